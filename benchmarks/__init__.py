"""Speed and memory beside redun, joblib, diskcache, dask and the floor: `python -m benchmarks`."""
