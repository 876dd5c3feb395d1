"""Shards to Arrow and back, by format. Knows files of this machine, nothing of datasets."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arrow's hints are partial: what its functions take and return is not known in full.

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cellgraph.datasets.hive import Key, Value
from cellgraph.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

ENDS: Final = {"parquet": ".parquet", "csv": ".csv", "json": ".json"}
# Rows are made Python objects this many at a time.
_JSON_ROWS: Final = 50_000


class Piece(NamedTuple):
    """One shard on this machine."""

    path: str
    groups: tuple[int, ...]
    values: tuple[Value, ...]


def dataset_of(
    format_: str, pieces: Sequence[Piece], keys: Sequence[Key], given: "pa.Schema | None"
) -> Any:
    """A `pyarrow.dataset.Dataset` of *pieces*, in their order. *given*: types for some columns.

    Raises OSError for files that cannot be read as their format.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.fs as fs

    kind = _kind(format_)
    system = fs.LocalFileSystem()
    types = [pa.int64() if key.type == "int64" else pa.string() for key in keys]
    fragments: list[Any] = []
    for piece in pieces:
        told = _expression(keys, types, piece.values)
        file = kind.make_fragment(piece.path, system, told)
        if piece.groups:  # make_fragment(row_groups=) puts them in the order of a set
            file = file.subset(row_group_ids=list(range(*piece.groups)))
        fragments.append(file)
    schema: pa.Schema = fragments[0].physical_schema
    if given is not None:
        schema = with_types(schema, given)
    for key, type_ in zip(keys, types, strict=True):
        if schema.get_field_index(key.name) < 0:
            schema = schema.append(pa.field(key.name, type_))
    return ds.FileSystemDataset(fragments, schema, kind, system)


def left_out(opened: Any) -> tuple[int, str] | None:
    """The first file of a `dataset_of` with a column that is not in its schema, and the column."""
    known = {*opened.schema.names}
    for at, fragment in enumerate(opened.get_fragments()):
        for name in fragment.physical_schema.names:
            if name not in known:
                return at, str(name)
    return None


def row_groups(path: str) -> list[int]:
    """The compressed size in bytes of each row group of a parquet file. Raises OSError."""
    import pyarrow.parquet as pq

    meta: Any = pq.read_metadata(path)
    return [_group_bytes(meta.row_group(at)) for at in range(meta.num_row_groups)]


def write(table: "pa.Table", path: Path, format_: str) -> None:
    """Write one shard. Times keep microseconds: what Spark reads has no finer ones.

    Raises OSError, and ConfigError for what the format cannot hold.
    """
    import pyarrow as pa

    try:
        if format_ == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(table, path, coerce_timestamps="us", allow_truncated_timestamps=False)
        elif format_ == "csv":
            import pyarrow.csv as csv

            csv.write_csv(table, path)
        else:
            with path.open("w", encoding="utf-8") as file:
                for batch in table.to_batches(max_chunksize=_JSON_ROWS):
                    file.writelines(_line(row) for row in batch.to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ConfigError(
            f"a frame cannot be written as {format_}: {error}: cast the column first"
        ) from None


def tables_of(frame: object) -> "Iterator[pa.Table]":
    """A frame, or an iterable of frames, as Arrow tables; one is made at a time.

    Of a pandas frame named index levels become columns; an index without a name is left out.
    Raises ConfigError for what is no frame.
    """
    import pyarrow as pa

    kind = type(frame)
    library = kind.__module__.partition(".")[0]
    if isinstance(frame, pa.Table):
        yield frame
    elif isinstance(frame, pa.RecordBatch):
        yield pa.Table.from_batches([frame])
    elif library == "pandas" and kind.__name__ == "DataFrame":
        yield _of_pandas(frame)
    elif library == "polars" and kind.__name__ == "DataFrame":
        polars: Any = frame
        yield polars.to_arrow()
    elif hasattr(frame, "__iter__") and not isinstance(frame, (str, bytes, Mapping)):
        made: Any = frame
        for each in made:
            yield from tables_of(each)
    else:
        raise ConfigError(
            f"a {kind.__name__} is no frame: write a pandas, polars or Spark frame, an Arrow "
            "table, or an iterable of such"
        )


def _line(row: Mapping[str, Any]) -> str:
    """A row as a line of JSON. Raises ConfigError that names the column that JSON cannot hold."""
    try:
        return f"{_as_json(row)}\n"
    except (TypeError, ValueError):
        for name, value in row.items():
            try:
                _as_json(value)
            except (TypeError, ValueError) as error:
                raise ConfigError(
                    f"column {name!r} cannot be written as json: {error}: cast it first, or write "
                    "parquet"
                ) from None
        raise


def _as_json(value: object) -> str:
    return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False)


def _plain(value: object) -> str:
    """What JSON has no type for; times with as many digits in each shard, so that all are read
    alike. Raises TypeError."""
    if isinstance(value, datetime.datetime):
        if getattr(value, "nanosecond", 0):  # pandas'
            raise TypeError(f"{value} is finer than microseconds")
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"it has no {type(value).__name__}")


def _of_pandas(frame: Any) -> "pa.Table":
    import pyarrow as pa

    names = [name for name in frame.index.names if name is not None]
    if names:
        frame = frame.reset_index(level=names)
    for name in frame.columns:
        if not isinstance(name, str):
            raise ConfigError(f"column {name!r}: names of columns in a dataset are text: rename it")
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        why = "; ".join(str(said) for said in reversed(error.args))
        raise ConfigError(f"{why}: give the column one type first (astype)") from None
    except ValueError:  # of two columns with one name
        twice = sorted({*frame.columns[frame.columns.duplicated()]})
        raise ConfigError(f"columns called {', '.join(twice)} twice: rename them") from None


def _kind(format_: str) -> Any:
    import pyarrow.dataset as ds

    if format_ == "parquet":
        return ds.ParquetFileFormat()
    return ds.CsvFileFormat() if format_ == "csv" else ds.JsonFileFormat()


def _expression(keys: Sequence[Key], types: Sequence[Any], values: Sequence[Value]) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    told: Any = None
    for key, type_, value in zip(keys, types, values, strict=True):
        column: Any = ds.field(key.name)
        one = column.is_null() if value is None else column == pa.scalar(value, type_)
        told = one if told is None else told & one
    return ds.scalar(True) if told is None else told


def with_types(schema: "pa.Schema", given: "pa.Schema") -> "pa.Schema":
    """*schema* with the types of *given*, and the columns which that has beside."""
    for field in given:
        at = schema.get_field_index(field.name)
        schema = schema.append(field) if at < 0 else schema.set(at, field)
    return schema


def _group_bytes(group: Any) -> int:
    return sum(group.column(at).total_compressed_size for at in range(group.num_columns))
