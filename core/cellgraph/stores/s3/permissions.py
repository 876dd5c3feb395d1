"""What a store in a bucket needs to be allowed, as a policy of AWS's IAM. Pure."""

from collections.abc import Sequence
from typing import Any

from cellgraph.stores.s3.place import Location

_OBJECTS = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")


def least_policy(location: Location, kms_key: str = "") -> dict[str, Any]:
    """The least that reading, writing, merging and collecting the store take, and no more.

    Without ``s3:PutObject`` and ``s3:DeleteObject`` it is the policy of somebody who only reads.
    """
    bucket = f"arn:aws:s3:::{location.bucket}"
    listing: dict[str, Any] = {}
    if location.prefix:
        listing = {"Condition": {"StringLike": {"s3:prefix": [location.key("*")]}}}
    statements = [
        _allow("CellgraphObjects", _OBJECTS, f"{bucket}/{location.key('*')}"),
        _allow("CellgraphListing", ("s3:ListBucket",), bucket) | listing,
    ]
    if kms_key:
        statements.append(_key(kms_key))
    return {"Version": "2012-10-17", "Statement": statements}


def _key(name: str) -> dict[str, Any]:
    """A key is named by its ARN, its id or an alias; an alias cannot stand in a resource."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey")
    alias = name.rpartition(":")[2]
    if alias.startswith("alias/"):
        condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
        return _allow("CellgraphKey", actions, "*") | {"Condition": condition}
    return _allow("CellgraphKey", actions, name if ":" in name else f"arn:aws:kms:*:*:key/{name}")


def _allow(name: str, actions: Sequence[str], resource: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource}
