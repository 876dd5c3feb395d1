"""`Dataset`: a table in shards as a value. Named by what the shards hold, read shard by shard."""

# pyright: reportPrivateUsage=false
# What a dataset is made of is nobody's business but this package's.

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from cellgraph.collector import Kept, here, unwatched
from cellgraph.datasets import formats, pieces, reading, schemas
from cellgraph.datasets.layout import Layout, Shard, checked_format
from cellgraph.datasets.source import Source
from cellgraph.errors import ConfigError, IdentityError
from cellgraph.identity.kinds import define
from cellgraph.identity.tables import Kind
from cellgraph.inside import Handed
from cellgraph.located import Place, place_of
from cellgraph.stores.shardfolders import taken_apart

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_T = TypeVar("_T")
_UNPLACED: Final = (
    "a Dataset without a place can be written where a Spark step runs; here give it one: "
    'cg.Dataset("genes").write(...)'
)


class Dataset(Handed):
    """Parquet, CSV or JSON files below a folder as one table; its identity is what they hold.

    *location*: a folder or one file; relative to the working directory, absolute, or a ``file://``
    or ``s3://`` URI. It is listed when something is asked for. *format*: "parquet", "csv" (with a
    header) or "json" (one object a line); found by the names of the files if left out. *schema*:
    types of columns that a CSV or JSON file does not tell rightly, by name: ``{"id": "string"}``.
    Folders called ``gene=BRCA1`` are columns of the table; names that begin with a dot or an
    underscore are not data.

    Neither the names of the files nor the place of the folder are part of the identity: a moved
    dataset finds its results again. One that a task returned, that `write` returned, and each piece
    stands for the files as they were then: using them when they have changed is a LostValue error.
    Immutable. Any thread.
    """

    __slots__ = ("_format", "_layout", "_schema", "_source", "_whole")

    def __init__(
        self,
        location: "str | os.PathLike[str]" = "",
        format: str = "",
        *,
        schema: "Mapping[str, Any] | pa.Schema | None" = None,
    ) -> None:
        self._source = Source(place_of(location)) if location else None
        self._format = checked_format(format)
        self._schema = schemas.schema_bytes(schema)
        self._layout: Layout | None = None  # listed at each use; a layout: what it stands for
        self._whole = True  # all that is at its place

    @classmethod
    def _made(cls, source: Source, layout: Layout, schema: bytes, *, whole: bool) -> Self:
        made = cls.__new__(cls)
        made._source, made._layout, made._schema = source, layout, schema
        made._format, made._whole = layout.format, whole
        return made

    # --- what there is --------------------------------------------------------------------------

    def _placed(self) -> Source:
        if self._source is None:
            raise ConfigError(_UNPLACED)
        return self._source

    def _now(self) -> Layout:
        """What it consists of, for the user. Raises IdentityError when there is nothing."""
        return self._layout or self._asking(lambda: self._placed().looked_at(self._format))

    def _present(self) -> Layout:
        """The same, with contents, as it is now. Raises IdentityError, LostValue."""
        source, known = self._placed(), self._layout
        if known is None:
            return self._asking(lambda: source.pinned(source.listed(self._format)))
        self._asking(lambda: source.check(known))
        return known

    def _asking(self, ask: Callable[[], _T]) -> _T:
        return reading.asking(repr(self), ask, pinned=self._layout is not None)

    def _reading(self, layout: Layout) -> reading.Reading:
        given, pinned = schemas.schema_of(self._schema), self._layout is not None
        return reading.Reading(repr(self), self._placed(), layout, given, self._whole, pinned)

    def _read(self) -> reading.Reading:
        """For who reads rows: a call on this thread uses what it was handed."""
        found = self._reading(self._now())
        self._used()
        return found

    @property
    def name(self) -> str:
        """Where it is: the path below the project's folder, else a URI."""
        return self._placed().place.name

    @property
    def format(self) -> str:
        """ "parquet", "csv" or "json"."""
        return self._format or self._now().format

    @property
    def shards(self) -> tuple[Shard, ...]:
        """Its shards, in the order of their rows.

        Their names are no part of what a dataset is called: a call that returns the names of one it
        received is found again, with the old names, after files have been renamed.
        """
        return self._now().shards

    @property
    def size_bytes(self) -> int:
        """Of all its shards, as they are stored."""
        return sum(shard.size_bytes for shard in self._now().shards)

    @property
    def values(self) -> dict[str, str | int | None]:
        """The partition columns that have one value in all its shards: what piece this is."""
        layout = self._now()
        return {
            key.name: layout.shards[0].values[at]
            for at, key in enumerate(layout.keys)
            if len({shard.values[at] for shard in layout.shards}) == 1
        }

    @property
    def schema(self) -> "pa.Schema":
        """Names and types of its columns, from the head of the first shard."""
        return self._read().schema()

    @property
    def num_rows(self) -> int:
        """Rows in all shards: from the footers of parquet, else by reading."""
        return self._read().count_rows()

    # --- reading --------------------------------------------------------------------------------

    def head(self, rows: int = 5) -> "pd.DataFrame":
        """The first rows; no more shards are read than they need."""
        return _pandas(self._read().head(rows))

    def to_arrow(
        self,
        shards: "int | slice | Iterable[int] | None" = None,
        columns: "Iterable[str] | None" = None,
    ) -> "pa.Table":
        """The rows of *shards* (a position, positions or a slice; None: all), in their order.

        Only *columns* are read. Raises ConfigError for a shard or column that there is not, and for
        a shard that does not fit the first one: other types, or a column which that has not.
        """
        return self._read().to_arrow(shards, columns)

    def to_pandas(
        self,
        shards: "int | slice | Iterable[int] | None" = None,
        columns: "Iterable[str] | None" = None,
    ) -> "pd.DataFrame":
        """As `to_arrow`, as a pandas frame."""
        return _pandas(self.to_arrow(shards, columns), self_destruct=True, split_blocks=True)

    def to_spark(self) -> Any:
        """As a Spark frame of the session of this task (`cellgraph.spark`); read when it is used.

        Raises ConfigError where there is no Spark.
        """
        from cellgraph.datasets.sparkframes import frame_of

        layout = self._now()
        self._used()
        return frame_of(self._placed(), layout, self._reading(layout).in_files())

    def to_dynamic_frame(self, name: str = "") -> Any:
        """As AWS Glue's DynamicFrame. Raises ConfigError where AWS does not provide it."""
        from cellgraph.datasets.sparkframes import dynamic_frame

        return dynamic_frame(self.to_spark(), name or os.path.basename(self.name))  # noqa: PTH119

    # --- pieces ---------------------------------------------------------------------------------

    def partitions(self, *keys: str) -> "list[Dataset]":
        """One piece for each value of a partition column (or of several), sorted by value.

        A piece is a Dataset with an identity of its own: what was computed of it is found again
        whatever becomes of the others. Its value: ``piece.values["gene"]``. Raises ConfigError for
        what is no partition column.
        """
        layout = self._now()
        return self._pieces(layout, pieces.by_value(repr(self), layout, keys))

    def split(self, n: int) -> "list[Dataset]":
        """At most *n* pieces of about the same size, in the order of the rows.

        Pieces are of whole shards; if there are fewer than *n* of parquet, of row groups.
        """
        layout = self._now()
        found = pieces.by_size(layout, n, lambda s: formats.row_groups(self._placed().local(s)))
        return self._pieces(layout, found)

    def _pieces(self, layout: Layout, found: Iterable[Iterable[Shard]]) -> "list[Dataset]":
        """Pieces of CSV and JSON keep the types of the whole."""
        schema = schemas.schema_bytes(self._reading(layout).in_files())
        source = self._placed()
        parts = [source.pinned(layout._replace(shards=tuple(shards))) for shards in found]
        return [Dataset._made(source, part, schema, whole=False) for part in parts]

    # --- writing --------------------------------------------------------------------------------

    def write(
        self,
        frame: object,
        partition_by: "str | Iterable[str] | None" = None,
        *,
        shard_bytes: int = 128 << 20,
    ) -> "Dataset":
        """Write *frame* here, in the place of what the dataset held; return it as it is now.

        *frame*: pandas, polars, Arrow, Spark, a DynamicFrame, or an iterable of frames that are
        written as they come. *partition_by*: columns whose values become folders; whole numbers or
        text. A shard has about *shard_bytes* of Arrow memory. A Dataset without a location is
        written where the Spark step that runs keeps its results.

        On disk the new shards take the place of the old ones at once; in a bucket the old ones are
        deleted when the new ones are there. Raises ConfigError when something else is in the
        folder, or the frame cannot be written; OSError.
        """
        from cellgraph.datasets.writing import write

        by = (partition_by,) if isinstance(partition_by, str) else tuple(partition_by or ())
        goal = None if self._source is None else self._source.place
        source = Source(write(goal, self._format or "parquet", frame, by, shard_bytes))
        layout = self._asking(lambda: source.pinned(source.listed(self._format or "parquet")))
        if taken_apart(source.place.where) is not None:
            here.made = (*here.made, source.place)
        return Dataset._made(source, layout, self._schema, whole=True)

    # --- a value --------------------------------------------------------------------------------

    def _identity(self) -> object:
        layout = self._present()
        if here.keeping is not None:
            here.keeping += self._rests_on(layout)
        return ("dataset", schemas.named_schema(self._schema), layout.identity())

    def _rests_on(self, layout: Layout) -> list[Kept]:
        """The files that a result with this in it depends on."""
        source = self._placed()
        if self._whole and layout.shards[0].name:
            content = self._asking(lambda: source.place.content(folder=True))
            return [Kept(source.place.where, content, True)]
        files = {source.where(s): s.content for s in layout.shards}
        return [Kept(where, content, False) for where, content in files.items()]

    def _used(self) -> None:
        """In a call that received this: what it was is in the call's key."""
        collector = here.current
        if collector is None or self._layout is None:  # the call's own: noted when it was listed
            return
        with unwatched():
            kept = self._rests_on(self._layout)
        for one in kept:
            collector.used(one.path, one.digest, folder=one.folder)

    def _state(self) -> object:
        return (self.name, self._schema, self._whole, self._present().state())

    @classmethod
    def _stored(cls, state: Any) -> Self:
        name, schema, whole, layout = state
        source = Source(Place.named(name))
        return cls._made(source, Layout.of_state(layout), schema, whole=whole)

    def __deepcopy__(self, memo: Any) -> "Dataset":
        """For a call: what is there now."""
        if self._layout is not None or self._source is None:
            return self
        try:
            layout = self._present()
        except IdentityError:
            return self
        return Dataset._made(self._source, layout, self._schema, whole=True)

    def __copy__(self) -> "Dataset":
        return self

    def __reduce__(self) -> Any:
        if self._layout is None:
            where = "" if self._source is None else self._source.place.where
            return _listed, (where, self._format, self._schema)
        where = self._placed().place.where
        return _pinned, (where, self._schema, self._whole, self._layout.state())

    def _same(self) -> object:
        where = None if self._source is None else self._source.place.where
        return (where, self._format, self._schema, self._layout)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._same() == self._same()

    def __hash__(self) -> int:
        return hash(self._same())

    def __repr__(self) -> str:
        where = "" if self._source is None else repr(self.name)
        if self._layout is None or self._whole:
            return f"Dataset({where})"
        values = "".join(f", {key}={value!r}" for key, value in self.values.items())
        return f"<{len(self._layout.shards)} shards of Dataset({where}){values}>"


def _pandas(table: Any, **how: bool) -> "pd.DataFrame":
    found: pd.DataFrame = table.to_pandas(**how)
    return found


def _listed(where: str, format_: str, schema: bytes) -> Dataset:
    made = Dataset(where, format_)
    made._schema = schema
    return made


def _pinned(where: str, schema: bytes, whole: bool, layout: Any) -> Dataset:
    return Dataset._made(Source(place_of(where)), Layout.of_state(layout), schema, whole=whole)


# mutable: every call gets one of its own, pinned to what is there then
define(
    Dataset,
    Kind("datasets.dataset", 1, Dataset._state, Dataset._stored, Dataset._identity, data=True),
)
