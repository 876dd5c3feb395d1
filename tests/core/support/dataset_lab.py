"""Tasks that leave datasets in their store, as Spark steps do: below `datasets/`, named at random.

The numbers in their arguments are the names here, so that a test knows which is which.
"""

import os
from typing import Any

import pandas as pd

import cellgraph as cg

STORE_VARIABLE = "DATASET_TEST_STORE"


def place(n: int) -> str:
    """Where the dataset *n* is."""
    return f"{os.environ[STORE_VARIABLE]}/datasets/{name(n)}"


def name(n: int) -> str:
    return f"{n:032x}"


def written(n: int, groups: int = 2) -> cg.Dataset:
    frame = pd.DataFrame({"gene": [f"g{i}" for i in range(groups)], "x": range(n, n + groups)})
    return cg.Dataset(place(n)).write(frame, partition_by="gene")


@cg.task
def whole(n: int, groups: int = 2) -> Any:
    return written(n, groups)


@cg.task(check="shallow")
def unlooked(n: int) -> Any:
    return written(n)


@cg.task
def pieces(n: int) -> Any:
    return {"pieces": written(n).partitions("gene")[1:]}


@cg.task
def folder_of_one(n: int) -> Any:
    written(n)
    return cg.Dataset(f"{place(n)}/gene=g1")


@cg.task
def where(n: int) -> str:
    """A result that names the place, and is no Dataset."""
    return written(n).shards[0].name and place(n)


@cg.task
def listed(n: int) -> Any:
    """Its place among so much else that the value is no part of the record."""
    return [f"nothing at {i}" for i in range(1000)] + [where.func(n)]


@cg.task
def described(n: int) -> str:
    """A long text with its place in it."""
    return " " * 9000 + where.func(n)


@cg.task
def total(table: pd.DataFrame) -> int:
    return int(table.x.sum())


@cg.task
def unfolded(n: int) -> Any:
    """An expression with pieces in it."""
    return total.map(written(n).partitions("gene"))


@cg.task
def forgotten(n: int) -> int:
    """A dataset that nobody is told about."""
    written(n)
    return n
