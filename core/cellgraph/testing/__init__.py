"""Contract suites and fakes that ship with Cellgraph, for whoever writes a store or an executor."""
