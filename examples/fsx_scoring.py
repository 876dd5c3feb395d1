"""Score a table in 100 pieces with a random forest: one array job that reads from FSx for Lustre.

The pieces are objects of a bucket. A file system that is linked to the bucket is mounted on the
hosts of the queue, so jobs read there and download nothing. Calls name the objects all the same:
results are found again wherever they were read, and without the file system too.

Run it: ``python examples/fsx_scoring.py``. It needs no account: the sandbox has a bucket, a queue
and a file system. With an account, these three are all that changes.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

import cellgraph as cg

PIECES = 100


@cg.task
def trained() -> Any:
    """A forest that has seen the first half of the patients."""
    table = load_breast_cancer(as_frame=True).frame
    half = table.iloc[: len(table) // 2]
    forest = RandomForestClassifier(n_estimators=20, random_state=0)
    return forest.fit(half.drop(columns="target").to_numpy(), half["target"])


@cg.task(executor="batch", calls_per_job=10)
def scored(piece: cg.File, forest: Any) -> dict[str, Any]:
    """What the forest says of the patients in a piece, how often it is right, and where it read."""
    table = pd.read_csv(piece.path)
    said = forest.predict(table.drop(columns="target").to_numpy())
    right = int((said == table["target"]).sum())
    return {"rows": len(table), "right": right, "path": str(piece.path)}


@cg.task
def summary(parts: list[dict[str, Any]]) -> pd.DataFrame:
    """All pieces, one per row."""
    return pd.DataFrame(parts)


def upload(box: Any) -> list[cg.File]:
    """Write the second half of the patients to the bucket, in pieces."""
    table = load_breast_cancer(as_frame=True).frame
    s3 = box.client("s3")
    files: list[cg.File] = []
    rows = np.array_split(np.arange(len(table) // 2, len(table)), PIECES)
    for number, some in enumerate(rows):
        key = f"raw/patients/{number:03d}.csv"
        s3.put_object(
            Bucket=box.bucket, Key=key, Body=table.iloc[some].to_csv(index=False).encode()
        )
        files.append(cg.File(f"s3://{box.bucket}/{key}"))
    return files


def file_system(box: Any) -> str:
    """Make a file system linked to the bucket, mounted at /fsx by the hosts; return its id."""
    fsx = box.client("fsx")
    made = fsx.create_file_system(
        FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=["subnet-0123456789abcdef0"]
    )
    found = str(made["FileSystem"]["FileSystemId"])
    fsx.create_data_repository_association(
        FileSystemId=found,
        FileSystemPath="/patients",
        DataRepositoryPath=f"s3://{box.bucket}/raw/patients",
        S3={"AutoImportPolicy": {"Events": ["NEW", "CHANGED"]}},
    )
    box.file_systems.mount(found, "/fsx")  # with an account, `cellgraph aws fsx` says how
    return found


def main() -> pd.DataFrame:
    """Run it, and say what came out."""
    with cg.sandbox(vcpus=4) as box:
        fsx = {"file_system": file_system(box), "mount": "/fsx", "read_only": True}
        pieces = upload(box)
        executors = {"batch": {**box.batch, "fsx": fsx}}
        with cg.Session(store=box.store, executors=executors) as session:
            table = session.evaluate(summary(scored.map(pieces, forest=trained())))
        jobs = box.requests["batch", "SubmitJob"]
    right, rows = table["right"].sum(), table["rows"].sum()
    print(f"{len(table)} pieces in {jobs} array job; {right} of {rows} patients scored right")
    print(f"read from {table['path'].iloc[0]} and its like")
    return table


if __name__ == "__main__":
    main()
