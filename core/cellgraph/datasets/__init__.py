"""Tables in shards, on local disk or S3, as values."""

from cellgraph.datasets.dataset import Dataset

__all__ = ["Dataset"]
