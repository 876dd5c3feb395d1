"""Datasets to Spark frames and back. Knows pyspark; the session comes from `sparkside`.

Where Spark cannot read a bucket by itself (a local session), shards in one are copied to this
machine first. Row groups are read here and handed over as a file.
"""

import importlib
import re
import shutil
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cellgraph.collector import unwatched
from cellgraph.datasets import formats
from cellgraph.datasets.handover import Handover
from cellgraph.datasets.layout import Layout, format_of
from cellgraph.datasets.source import Source
from cellgraph.datasets.sparktypes import spark_type
from cellgraph.errors import ConfigError
from cellgraph.filedigests import files_below
from cellgraph.inside import current_driver
from cellgraph.located import BucketPlace, Place, place_of
from cellgraph.places import S3
from cellgraph.sparkside import glue_context, spark
from cellgraph.suggest import closest

if TYPE_CHECKING:
    import pyarrow as pa

_INFERENCE: Final = "spark.sql.sources.partitionColumnTypeInference.enabled"
_TIMES: Final = "spark.sql.parquet.outputTimestampType"
_HEADERS: Final = (
    "a CSV shard does not fit the columns of the first one ({}): Spark needs the same columns in "
    "the same order in all: write the dataset again, or take it without Spark (`to_pandas`)"
)
# What Spark puts into the names of files, different each time.
_RANDOM: Final = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TABLES: Final = ("DataFrame", "RecordBatch", "Table")
# Reading and writing set an option of the session, which its threads share, for a moment.
_setting: Final = threading.Lock()


def frame_of(source: Source, layout: Layout, schema: "pa.Schema | None") -> Any:
    """The shards of *layout* as a Spark frame. *schema*: of the columns in CSV and JSON files.

    Raises ConfigError, OSError, LostValue.
    """
    session: Any = spark()
    if _may_read(source.place) and not any(shard.groups for shard in layout.shards):
        base = source.place.where
        paths = [source.where(shard) for shard in layout.shards]
    else:
        base, paths = Handover.of(session).put(source, layout)
    reader = session.read
    if layout.shards[0].name:
        reader = reader.option("basePath", _literal(base))
    if layout.format == "csv" and schema is not None and not paths[0].startswith(S3):
        _check_headers(layout, paths, schema.names)  # in a bucket Spark does, when it reads
    if layout.format == "parquet" and not paths[0].startswith(S3):
        _check_columns(layout, paths)
    with _set(session, _INFERENCE, "false"):
        frame = _read(reader, layout, [_literal(path) for path in paths], schema)
    return _typed(frame, layout)


def _may_read(place: Place | BucketPlace) -> bool:
    driver = current_driver()
    return not isinstance(place, BucketPlace) or (driver is not None and driver.reads_buckets)


def _read(reader: Any, layout: Layout, paths: Sequence[str], schema: "pa.Schema | None") -> Any:
    if layout.format == "parquet":
        return reader.parquet(*paths)
    fields: Any = schema  # the caller has looked at the first shard
    columns = [f"{_quoted(field.name)} {spark_type(field.type)}" for field in fields]
    columns += [f"{_quoted(key.name)} string" for key in layout.keys]
    reader = reader.schema(", ".join(columns))
    if layout.format == "csv":
        # by default Spark takes columns by position, and a backslash before a quote
        reader = reader.options(header="true", enforceSchema="false", escape='"')
        return _without_nulls(reader.csv(list(paths)), fields)
    return reader.json(list(paths))


def _without_nulls(frame: Any, fields: Any) -> Any:
    """Text that is empty in a CSV file is an empty text, as everywhere; to Spark it is none."""
    from pyspark.sql.functions import coalesce, lit

    texts = {field.name for field in fields if spark_type(field.type) == "string"}
    return frame.select(
        *(
            coalesce(_column(name), lit("")).alias(name) if name in texts else _column(name)
            for name in frame.columns
        )
    )


def _column(name: str) -> Any:
    from pyspark.sql.functions import col

    return col(_quoted(name))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _check_headers(layout: Layout, paths: Sequence[str], columns: Sequence[str]) -> None:
    """Raises ConfigError for a shard with other columns, or in another order."""
    for shard, path in zip(layout.shards, paths, strict=True):
        with unwatched():
            found = formats.dataset_of("csv", [formats.Piece(path, (), ())], (), None).schema.names
        if found != list(columns):
            said = f"{shard.name} has the columns {', '.join(found)}, not {', '.join(columns)}"
            raise ConfigError(_HEADERS.format(said))


def _check_columns(layout: Layout, paths: Sequence[str]) -> None:
    """Raises ConfigError for a shard with a column that Spark would leave out without a word."""
    with unwatched():
        opened = formats.dataset_of("parquet", [formats.Piece(p, (), ()) for p in paths], (), None)
        found = formats.left_out(opened)
    if found is not None:
        at, name = found
        raise ConfigError(
            f"{layout.shards[at].name} has the column {name!r}, which {layout.shards[0].name} has "
            "not: write the shards with the same columns"
        )


def _typed(frame: Any, layout: Layout) -> Any:
    """Partition columns with the types of the dataset, behind the others as everywhere."""
    names = [key.name for key in layout.keys]
    kinds = {key.name: "bigint" if key.type == "int64" else "string" for key in layout.keys}
    rest = [_column(name) for name in frame.columns if name not in names]
    return frame.select(*rest, *(_column(n).cast(kinds[n]).alias(n) for n in names))


def as_spark(frame: object) -> Any:
    """A frame of Spark's, pandas on Spark's or a DynamicFrame as Spark's; None for another."""
    kind = type(frame)
    made: Any = frame
    if kind.__module__.startswith("pyspark.sql.") and kind.__name__ == "DataFrame":
        return made
    if kind.__module__.startswith("pyspark.pandas.") and kind.__name__ == "DataFrame":
        return made.to_spark()
    if kind.__module__.startswith("awsglue.") and kind.__name__ == "DynamicFrame":
        return _resolved(made).toDF()
    return None


def frame_from(table: object) -> Any:
    """A pandas, polars or Arrow frame as Spark's; None for what is none of these."""
    import pyarrow as pa

    kind = type(table)
    library = kind.__module__.partition(".")[0]
    if library not in ("pandas", "polars", "pyarrow") or kind.__name__ not in _TABLES:
        return None
    session: Any = spark()
    whole = pa.concat_tables(formats.tables_of(table))
    return Handover.of(session).frame(session, whole)


def results() -> Place | BucketPlace:
    """Where a frame without a place of its own is written. Raises ConfigError."""
    driver = current_driver()
    if driver is None:
        raise ConfigError(
            "a Dataset without a place can be written where a Spark step runs; here give it one: "
            'cg.Dataset("genes").write(...)'
        )
    return place_of(driver.results())


def write_spark(frame: Any, place: Place | BucketPlace, format_: str, by: Sequence[str]) -> None:
    """Write a Spark frame at *place*, in the place of the dataset there. ConfigError, OSError."""
    from cellgraph.datasets.writing import replacing

    _check_keys(frame, by)
    if isinstance(place, BucketPlace) and _may_read(place):
        _save_objects(frame, place, format_, by)
        return
    with replacing(place, format_) as draft:
        _save(frame, str(draft / "out"), format_, by)
        shards = _shards(draft / "out")
        _check_some(shards, format_)
        for name in shards:
            folder, _, last = name.rpartition("/")
            goal = draft / folder / _RANDOM.sub("", last, count=1)
            goal.parent.mkdir(parents=True, exist_ok=True)
            (draft / "out" / name).replace(goal)
        shutil.rmtree(draft / "out")


def _save_objects(frame: Any, place: BucketPlace, format_: str, by: Sequence[str]) -> None:
    """Have Spark write a bucket: new shards beside the old ones, which are then deleted; when that
    fails, the new ones are."""
    from cellgraph.datasets.writing import replaced_objects
    from cellgraph.stores.s3 import objects

    old = replaced_objects(place, format_)
    gone = [name for name in old if "_SUCCESS" not in name]  # the one name that stays the same
    try:
        _save(frame, place.where, format_, by)
        _check_some({*_objects(place)} - {*old}, format_)
    except BaseException:
        with suppress(OSError, ConfigError):
            gone = [name for name in replaced_objects(place, format_) if name not in old]
            objects.delete(place.bucket, [f"{place.key}/{name}" for name in gone])
        raise
    objects.delete(place.bucket, [f"{place.key}/{name}" for name in gone])


def _objects(place: BucketPlace) -> list[str]:
    """The names of all objects there, Spark's own marks included."""
    from cellgraph.stores.s3 import objects

    try:
        return [name for name, _, _ in objects.listed(place.bucket, place.key)]
    except FileNotFoundError:
        return []


def _check_some(written: Iterable[str], format_: str) -> None:
    """Raises ConfigError when Spark has written nothing: it makes no folder for no rows."""
    from cellgraph.datasets.writing import NO_PARTITIONS

    if not any(format_of(name) == format_ for name in written):
        raise ConfigError(NO_PARTITIONS)


def _save(frame: Any, where: str, format_: str, by: Sequence[str]) -> None:
    writer = frame.write.mode("append")  # Spark's names of files are new each time
    if by:
        writer = writer.partitionBy(*by)
    with _set(frame.sparkSession, _TIMES, "TIMESTAMP_MICROS"):
        if format_ == "csv":
            writer = writer.options(header="true", escape='"')
        try:
            getattr(writer, format_)(where)
        except Exception as error:  # pyspark has a class of its own for each version
            said = [line for line in str(error).splitlines() if "CSV header" in line]
            if said:  # of what the frame is read from
                raise ConfigError(_HEADERS.format(said[0].strip())) from error
            raise


def _check_keys(frame: Any, by: Iterable[str]) -> None:
    from pyspark.sql import types

    from cellgraph.datasets.writing import ALL_PARTITIONS

    whole = (types.ByteType, types.ShortType, types.IntegerType, types.LongType)
    if by and {*by} == {*frame.columns}:
        raise ConfigError(ALL_PARTITIONS)
    for name in by:
        if name not in frame.columns:
            raise ConfigError(
                f"partition_by={name!r}: there is no such column{closest(name, frame.columns)}"
            )
        kind = frame.schema[name].dataType
        if not isinstance(kind, (types.StringType, *whole)):
            raise ConfigError(
                f"partition_by={name!r}: a {kind.simpleString()} cannot name folders that mean the "
                "same everywhere: make it text or whole numbers"
            )


def _shards(folder: Path) -> list[str]:
    found = files_below(str(folder))
    return sorted(n for n in found if not n.rpartition("/")[2].startswith((".", "_")))


@contextmanager
def _set(session: Any, name: str, value: str) -> Generator[None]:
    with _setting:
        before = session.conf.get(name)
        session.conf.set(name, value)
        try:
            yield
        finally:
            session.conf.set(name, before)


def _literal(path: str) -> str:
    """A path for Hadoop, which reads some signs as patterns."""
    return "".join(f"\\{sign}" if sign in "{}[]*?\\," else sign for sign in path)


# --- DynamicFrame -----------------------------------------------------------------------------


def dynamic_frame(frame: Any, name: str) -> Any:
    """A Spark frame as AWS Glue's. Raises ConfigError where there is no Glue."""
    context = glue_context()
    module: Any = importlib.import_module("awsglue.dynamicframe")  # AWS's, there or a stand-in
    return module.DynamicFrame.fromDF(frame, context, name)


def _resolved(frame: Any) -> Any:
    """A DynamicFrame without columns of several types. Raises ConfigError that names them."""
    driver = current_driver()
    told = {} if driver is None else dict(driver.choices)
    open_ = [name for name in choice_columns(frame.schema()) if name not in told]
    if open_:
        first = open_[0]
        raise ConfigError(
            f"columns of several types in the DynamicFrame: {', '.join(open_)}: say which, as in "
            f'@task(..., choices={{"{first}": "cast:double"}}) (also project:TYPE, make_cols, '
            "make_struct), or resolve them in the task with resolveChoice"
        )
    there = [name for name in choice_columns(frame.schema()) if name in told]
    return frame.resolveChoice(specs=[(name, told[name]) for name in there]) if there else frame


def choice_columns(schema: Any) -> list[str]:
    """The paths of the choice types in a schema of Glue's: ``price``, ``order.total``."""
    found: list[str] = []
    for field in schema:
        _find_choices(field.name, field.dataType, found)
    return found


def _find_choices(path: str, kind: Any, found: list[str]) -> None:
    name = kind.typeName()
    if name == "choice":
        found.append(path)
    elif name == "struct":
        for field in kind:
            _find_choices(f"{path}.{field.name}", field.dataType, found)
    elif name in ("array", "set"):
        _find_choices(f"{path}[]", kind.elementType, found)
    elif name == "map":
        _find_choices(f"{path}.val", kind.valueType, found)
