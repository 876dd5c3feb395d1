"""Reading the shards of a dataset: what they are read as, and clear errors for what does not fit.

Everything is read as the first shard of those that are asked for says, or as the user does.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arrow's hints are partial: what its functions take and return is not known in full.

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from cellgraph.collector import unwatched
from cellgraph.datasets import formats, schemas
from cellgraph.datasets.layout import Layout, Shard, chosen
from cellgraph.datasets.source import Source
from cellgraph.errors import ConfigError, IdentityError

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
_SAY: Final = 'say what the column is, with cg.Dataset(..., schema={"column": "string"})'
_ALIKE: Final = "write the shards with one type for each column, or read them apart (shards=)"


def asking(said: str, ask: Callable[[], _T], *, pinned: bool) -> _T:
    """What *ask* returns; its errors as those of the dataset *said*. Raises IdentityError."""
    import pyarrow as pa

    try:
        return ask()
    except FileNotFoundError as error:
        gone = f" ({error})" if pinned else ""
        problem = f"has no files{gone}: make it first, or give the right place"
    except (OSError, pa.ArrowInvalid) as error:  # Arrow: a file that is not of its format
        problem = f"cannot be read: {error}"
    raise IdentityError(f"{said} {problem}")


class Reading(NamedTuple):
    """The files of one dataset as they are now. Any thread."""

    said: str  # the dataset, for messages
    source: Source
    layout: Layout
    given: "pa.Schema | None"  # by the user, or of the whole that a piece was of
    whole: bool
    pinned: bool

    def schema(self) -> "pa.Schema":
        """From the head of the first shard."""
        found: pa.Schema = self._opened(self.layout.shards[:1]).schema
        return found

    def count_rows(self) -> int:
        """Of all shards."""
        return int(self._read(self._opened(self.layout.shards).count_rows))

    def head(self, rows: int) -> "pa.Table":
        """The first rows; no more shards are read than they need."""
        if rows < 0:
            raise ConfigError(f"head({rows}): expected how many rows, 0 or more")
        import pyarrow as pa

        tables: list[Any] = []
        for shard in self.layout.shards:
            missing = rows - sum(len(table) for table in tables)
            if tables and missing <= 0:
                break
            opened = self._opened((shard,))
            read = {"batch_size": max(1, missing), "batch_readahead": 0, "fragment_readahead": 0}
            tables.append(self._read(functools.partial(opened.head, missing, **read)))
        return self._read(lambda: pa.concat_tables(tables, promote_options="default"))

    def to_arrow(self, shards: Any, columns: "Iterable[str] | None") -> "pa.Table":
        """See `Dataset.to_arrow`."""
        taken = chosen(self.layout.shards, shards)
        if not taken:
            return self.schema().empty_table()
        opened = self._opened(taken)
        wanted = schemas.checked_columns(columns, opened.schema.names)
        if wanted is None and len(taken) > 1:
            self._read(lambda: self._check_names(opened, taken))
        table: pa.Table = self._read(lambda: opened.to_table(columns=wanted))
        return table

    def in_files(self) -> "pa.Schema | None":
        """The columns that CSV and JSON files are read as, whichever shards are asked for: those of
        the first one, or as the user says. Parquet tells for itself."""
        given, layout = self.given, self.layout
        if layout.format == "parquet":
            if given is not None:
                raise ConfigError(
                    f"{self.said}: schema= is for CSV and JSON: parquet tells its types"
                )
            return None
        if given is not None and not self.whole:
            return given
        shard = layout.shards[0]
        first = self.source.local(shard)
        with unwatched():
            piece = formats.Piece(first, (), ())
            found: pa.Schema = formats.dataset_of(layout.format, [piece], (), None).schema
            if layout.format == "csv":
                schemas.check_csv(self.said, found, given, shard.name or self.source.place.name)
            return found if given is None else formats.with_types(found, given)

    def _opened(self, shards: Iterable[Shard]) -> Any:
        layout = self.layout

        def ask() -> Any:
            given = self.in_files()
            files = [formats.Piece(self.source.local(s), s.groups, s.values) for s in shards]
            with unwatched():
                return formats.dataset_of(layout.format, files, layout.keys, given)

        return asking(self.said, ask, pinned=self.pinned)

    def _check_names(self, opened: Any, taken: Sequence[Shard]) -> None:
        """Raises ConfigError for a shard with a column that would be left out without a word."""
        found = formats.left_out(opened)
        if found is not None:
            at, name = found
            how = (
                "read the shards apart (shards=), name the columns (columns=), or write them with "
                "the same columns"
                if self.layout.format == "parquet"
                else f'say its type, with cg.Dataset(..., schema={{"{name}": "string"}})'
            )
            raise ConfigError(
                f"{self.said}: {taken[at].name} has the column {name!r}, which {taken[0].name} "
                f"has not: {how}"
            )

    def _read(self, ask: Callable[[], _T]) -> _T:
        import pyarrow as pa

        try:
            with unwatched():
                return ask()
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            how = _ALIKE if self.layout.format == "parquet" else _SAY
            raise ConfigError(
                f"{self.said}: a shard does not fit the types of the first one ({error}): {how}"
            ) from None
