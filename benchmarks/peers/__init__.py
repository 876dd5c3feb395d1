"""One script a peer: `python -m benchmarks.peers.redun_peer WORKLOAD SIZE PHASE --state DIR`."""
