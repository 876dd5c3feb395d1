"""The store in a bucket. boto3 is imported when a store is opened."""

from cellgraph.stores.s3.bucket import Access
from cellgraph.stores.s3.pace import Pace
from cellgraph.stores.s3.store import S3Store

__all__ = ["Access", "Pace", "S3Store"]
