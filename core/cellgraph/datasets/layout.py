"""What a dataset consists of: its shards, their format and partition columns."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from cellgraph.datasets import hive
from cellgraph.datasets.hive import Key, Value
from cellgraph.errors import CodecError, ConfigError
from cellgraph.suggest import closest

FORMATS: Final = ("csv", "json", "parquet")
# By the end of a name, compression left out.
_ENDS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_COMPRESSED: Final = (".gz", ".bz2", ".zst", ".lz4")


class Found(NamedTuple):
    """A file as a listing shows it. *content*: its digest if the listing tells it, else empty."""

    name: str  # below the dataset's folder; empty for a dataset that is one file
    size_bytes: int
    content: bytes


class Shard(NamedTuple):
    """One file of a dataset, or some of its row groups."""

    name: str
    size_bytes: int
    content: bytes  # digest of the file; empty: nobody has asked for it yet
    values: tuple[Value, ...]  # of the partition columns
    groups: tuple[int, ...] = ()  # first row group and the one behind the last; empty: all


class Layout(NamedTuple):
    """Shards in the order of their rows."""

    format: str
    keys: tuple[Key, ...]
    shards: tuple[Shard, ...]

    def identity(self) -> object:
        """What the dataset is called in keys: contents and partition values, not names."""
        shards = tuple((s.content, s.values, s.groups) for s in self.shards)
        return (self.format, tuple(map(tuple, self.keys)), shards)

    def state(self) -> object:
        """What the store keeps of it."""
        return (self.format, tuple(map(tuple, self.keys)), tuple(map(tuple, self.shards)))

    @classmethod
    def of_state(cls, state: Any) -> "Layout":
        """Undo `state`. Raises CodecError for names that lead elsewhere."""
        format_, keys, shards = cast("tuple[str, Any, Any]", state)
        made = tuple(Shard(*shard) for shard in shards)
        for shard in made:
            if shard.name.startswith("/") or ".." in shard.name.split("/") or "\0" in shard.name:
                raise CodecError(f"a shard is called {shard.name!r}, which leads elsewhere")
        return cls(format_, tuple(Key(*key) for key in keys), made)


def lay_out(where: str, found: Iterable[Found], format_: str) -> Layout:
    """The layout of the files *found* below *where*; *format_* may be empty.

    Names that begin with a dot or an underscore are not data, nor are empty JSON files, which Spark
    leaves. Raises FileNotFoundError when there is no data, ConfigError for data not of one format.
    """
    files = sorted((f for f in found if _is_data(f, format_)), key=lambda f: f.name)
    if not files:
        raise FileNotFoundError(where)
    format_ = format_ or _one_format(where, files)
    columns = hive.same_columns(f.name for f in files)
    texts = [tuple(text for _, text in hive.written_in(f.name)) for f in files]
    keys = hive.typed(columns, texts)
    shards = [
        Shard(
            f.name,
            f.size_bytes,
            f.content,
            tuple(hive.value_of(text, key) for text, key in zip(said, keys, strict=True)),
        )
        for f, said in zip(files, texts, strict=True)
    ]
    return Layout(format_, keys, tuple(shards))


def checked_format(format_: str) -> str:
    """Raises ConfigError for one that is not known."""
    if format_ and format_ not in FORMATS:
        raise ConfigError(f"format={format_!r}: not known{closest(format_, FORMATS)}")
    return format_


def format_of(name: str) -> str:
    """By the end of a file's name; empty when it says nothing."""
    for end in _COMPRESSED:
        name = name.removesuffix(end)
    return next((format_ for end, format_ in _ENDS.items() if name.endswith(end)), "")


def chosen(shards: Sequence[Shard], which: object) -> tuple[Shard, ...]:
    """Those of *shards* at the position, slice or positions *which*; None: all. ConfigError."""
    if which is None:
        return tuple(shards)
    if isinstance(which, slice):
        return tuple(shards[which])
    asked = [which] if isinstance(which, int) else which
    try:
        return tuple(shards[at] for at in cast("Iterable[int]", asked))
    except IndexError:
        raise ConfigError(f"shards={which!r}: there are {len(shards)}, from 0") from None
    except TypeError:
        raise ConfigError(f"shards={which!r}: expected a position, positions or a slice") from None


def _is_data(file: Found, format_: str) -> bool:
    if not file.size_bytes and (format_ or format_of(file.name)) == "json":
        return False
    return not any(
        part.startswith(".") or (part.startswith("_") and "=" not in part)
        for part in file.name.split("/")
    )


def _one_format(where: str, files: Sequence[Found]) -> str:
    by_format = {format_of(f.name or where): f.name or where for f in files}
    if "" in by_format:
        raise ConfigError(
            f"{where}: {by_format['']} does not say its format by the end of its name: give "
            f"format={' or '.join(map(repr, FORMATS))}"
        )
    if len(by_format) > 1:
        one, other = sorted(by_format.values())[:2]
        raise ConfigError(
            f"{where} holds files of several formats ({one}, {other}): a dataset has one; "
            "give the folder of one of them, or format="
        )
    return next(iter(by_format))
