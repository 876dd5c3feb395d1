"""Frames become shards, which take the place of what a dataset held."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arrow's hints are partial: what its functions take and return is not known in full.

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cellgraph.collector import here, unwatched
from cellgraph.datasets import formats, hive
from cellgraph.datasets.hive import Value
from cellgraph.datasets.layout import format_of
from cellgraph.datasets.sparkframes import as_spark, results, write_spark
from cellgraph.errors import ConfigError
from cellgraph.filedigests import file_digest, files_below
from cellgraph.located import BucketPlace, Place
from cellgraph.suggest import closest

if TYPE_CHECKING:
    import pyarrow as pa

NO_PARTITIONS: Final = "a frame without rows has no partitions: write it without partition_by="
ALL_PARTITIONS: Final = "partition_by= takes every column: there is nothing left to write"
_OTHER: Final = (
    "{0} holds {1}, which is no data of a dataset in {2}: write to a folder of its own, which is "
    "replaced as a whole"
)


def write(
    goal: Place | BucketPlace | None,
    format_: str,
    frame: object,
    by: Sequence[str],
    shard_bytes: int,
) -> Place | BucketPlace:
    """See `Dataset.write`; return where it was written. *goal* None: among the step's results."""
    place = results() if goal is None else goal
    spark = as_spark(frame)
    if here.current is not None:
        here.current.wrote(place.where)
    with unwatched():
        if spark is not None:
            write_spark(spark, place, format_, by)
        else:
            _write(frame, place, format_, by, shard_bytes)
    return place


def _write(
    frame: object,
    place: Place | BucketPlace,
    format_: str,
    by: Sequence[str],
    shard_bytes: int,
) -> None:
    with replacing(place, format_) as draft:
        _fill(draft, frame, format_, by, shard_bytes)


@contextmanager
def replacing(place: Place | BucketPlace, format_: str) -> Generator[Path]:
    """A new folder whose shards take the place of the dataset at *place*, unless the block fails.

    Before the block it is seen that they may. Raises ConfigError, OSError.
    """
    if isinstance(place, BucketPlace):
        replaced_objects(place, format_)
        with tempfile.TemporaryDirectory(prefix="cellgraph-") as folder:
            draft = Path(folder) / "draft"
            draft.mkdir()
            yield draft
            _upload(draft, place, format_)
        return
    goal = Path(place.where)
    _may_replace(goal, format_)
    goal.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{goal.name}-", dir=goal.parent) as folder:
        draft = Path(folder) / "new"
        draft.mkdir()
        yield draft
        if goal.exists():
            goal.replace(Path(folder) / "old")
        draft.replace(goal)


def _may_replace(goal: Path, format_: str) -> None:
    """Raises ConfigError when there is anything at *goal* but a dataset in *format_*."""
    if goal.is_file() or goal.is_symlink():
        raise ConfigError(f"{goal} is no folder: a dataset is written into one")
    if goal.is_dir():
        for name in files_below(str(goal)):
            if not _is_ours(name, format_):
                raise ConfigError(_OTHER.format(goal, name, format_))


def replaced_objects(place: BucketPlace, format_: str) -> list[str]:
    """The names of the objects of the dataset at *place*. Raises ConfigError when there is anything
    else, OSError."""
    from cellgraph.stores.s3 import objects

    try:
        old = [name for name, _, _ in objects.listed(place.bucket, place.key)]
    except FileNotFoundError:
        return []
    for name in old:
        if not _is_ours(name, format_):
            other = name or "an object of that name"
            raise ConfigError(_OTHER.format(place.where, other, format_))
    return old


def _is_ours(name: str, format_: str) -> bool:
    """Whether a file may be one of a dataset; Spark adds checksums and a mark of success."""
    last = name.rpartition("/")[2]
    return format_of(name) == format_ or last.startswith(("_SUCCESS", "._SUCCESS", ".part-"))


def _upload(draft: Path, place: BucketPlace, format_: str) -> None:
    """Have the shards below *draft* in a bucket, under names that say their content; delete the
    others. Raises ConfigError, OSError."""
    from cellgraph.stores.s3 import objects

    old = replaced_objects(place, format_)
    new: set[str] = set()
    for name in sorted(files_below(str(draft))):
        stem, dot, end = name.rpartition(".")
        content = file_digest(str(draft / name)).hex()[:16]
        new.add(f"{stem}-{content}{dot}{end}")
        objects.upload(draft / name, place.bucket, f"{place.key}/{stem}-{content}{dot}{end}")
    gone = [f"{place.key}/{name}" for name in old if name not in new]
    objects.delete(place.bucket, gone)


def _fill(draft: Path, frame: object, format_: str, by: Sequence[str], shard_bytes: int) -> None:
    """Write the shards of *frame* below *draft*."""
    number = 0
    first: pa.Schema | None = None
    for table in formats.tables_of(frame):
        if first is None:
            first = table.schema
        else:
            table = _alike(table, first)
        for values, part in _partitions(table, by):
            folder = draft / hive.folder_of(by, values) if by else draft
            folder.mkdir(parents=True, exist_ok=True)
            # of no rows a JSON file says nothing, and cannot be read
            empty = number == 0 and format_ != "json"
            for shard in _slices(part, shard_bytes, empty=empty):
                formats.write(shard, folder / f"part-{number:05d}{formats.ENDS[format_]}", format_)
                number += 1
    if not number:
        raise ConfigError("there is nothing to write: the frames are none, or have no rows")


def _alike(table: "pa.Table", first: "pa.Schema") -> "pa.Table":
    """A later frame of one dataset with the columns of the first. Raises ConfigError."""
    import pyarrow as pa

    other = {*table.column_names} ^ {*first.names}
    if other:
        raise ConfigError(
            f"some frames have a column {min(other)!r} and others have not: give all the same ones"
        )
    if table.schema.equals(first):
        return table
    try:
        return table.select(first.names).cast(first)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ConfigError(
            f"a later frame does not fit the types of the first ({error}): cast the columns of all "
            "frames to one type"
        ) from None


def _slices(table: "pa.Table", shard_bytes: int, *, empty: bool) -> "Iterator[pa.Table]":
    if not len(table):
        if empty:  # the columns are known all the same
            yield table
        return
    rows = max(1, int(shard_bytes * len(table) / max(table.nbytes, 1)))
    for at in range(0, len(table), rows):
        yield table.slice(at, rows)


def _partitions(
    table: "pa.Table", by: Sequence[str]
) -> "Iterator[tuple[tuple[Value, ...], pa.Table]]":
    """The rows of each combination of values, in their order, without the columns *by*."""
    if not by:
        yield (), table
        return
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = {name: _checked(table, name) for name in by}
    if not len(table):
        raise ConfigError(NO_PARTITIONS)
    order: Any = pc.sort_indices(
        pa.table({**keys, " row": pa.array(range(len(table)))}),
        sort_keys=[*((name, "ascending") for name in by), (" row", "ascending")],
    )
    table = table.drop_columns(list(by)).take(order)
    if not table.num_columns:
        raise ConfigError(ALL_PARTITIONS)
    columns = [keys[name].take(order) for name in by]
    starts = _starts(columns)
    for start, stop in zip(starts, [*starts[1:], len(table)], strict=True):
        yield tuple(column[start].as_py() for column in columns), table.slice(start, stop - start)


def _starts(columns: Sequence[Any]) -> list[int]:
    """Where neighbouring rows differ in any of the sorted *columns*."""
    import numpy as np

    new = np.zeros(len(columns[0]), dtype=bool)
    new[0] = True
    for column in columns:
        codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        new[1:] |= codes[1:] != codes[:-1]
    return [int(at) for at in np.flatnonzero(new)]


def _checked(table: "pa.Table", name: str) -> Any:
    """A partition column as whole numbers or text. Raises ConfigError."""
    import pyarrow as pa
    import pyarrow.types as types

    if name not in table.column_names:
        raise ConfigError(
            f"partition_by={name!r}: there is no such column{closest(name, table.column_names)}"
        )
    column: Any = table.column(name)
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_integer(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise ConfigError(f"partition_by={name!r}: {error}: make it text") from None
    if not (types.is_string(column.type) or types.is_large_string(column.type)):
        raise ConfigError(
            f"partition_by={name!r}: a {column.type} cannot name folders that mean the same "
            "everywhere: make it text or whole numbers"
        )
    import pyarrow.compute as pc

    if pc.any(pc.equal(column, pa.scalar(""))).as_py():
        raise ConfigError(f"partition_by={name!r}: an empty text cannot name a folder: replace it")
    if pc.any(pc.equal(column, pa.scalar(hive.NULL))).as_py():
        raise ConfigError(f"partition_by={name!r}: {hive.NULL} stands for no value: replace it")
    return column
