"""Where a dataset lies: listing it, asking for contents, having a shard on this machine."""

import os
from typing import Final

from cellgraph.collector import Collector, here, unwatched
from cellgraph.datasets.layout import Found, Layout, Shard, lay_out
from cellgraph.errors import LostValue
from cellgraph.filedigests import files_below, names_digest
from cellgraph.located import BucketPlace, Place, place_of
from cellgraph.stores.shardfolders import note_use

_CHANGED: Final = "{} has changed since it was named: evaluate again"


class Source:
    """The folder or file of a dataset, on disk or in a bucket."""

    __slots__ = ("place",)

    def __init__(self, place: Place | BucketPlace) -> None:
        self.place = place

    def listed(self, format_: str) -> Layout:
        """What is there now, names and sizes only. Raises OSError, ConfigError."""
        with unwatched():
            return lay_out(self.place.name, self._found(), format_)

    def looked_at(self, format_: str) -> Layout:
        """As `listed`, for the user: a call on this thread depends on what is there, empty folders
        and the contents of all shards included."""
        collector = here.current
        if collector is None:
            return self.listed(format_)
        if isinstance(self.place, BucketPlace):
            return lay_out(self.place.name, self._asked(self.place, collector), format_)
        try:
            found = self._found()  # the folders that are listed are noted as they are
        except FileNotFoundError:
            collector.listed(self.place.where)
            raise
        layout = lay_out(self.place.name, found, format_)
        for shard in layout.shards:
            collector.opened(self.where(shard))
        return layout

    def _asked(self, place: BucketPlace, collector: Collector) -> list[Found]:
        try:
            with unwatched():
                found = self._found()
        except FileNotFoundError:
            collector.asked(place.where, b"")
            collector.asked(f"{place.where}/", b"")
            raise
        if found[0].name:
            collector.asked(f"{place.where}/", names_digest([(f.name, f.content) for f in found]))
        else:
            collector.asked(place.where, found[0].content)
        return found

    def pinned(self, layout: Layout) -> Layout:
        """The same with the contents as they are now. Raises OSError."""
        with unwatched():
            shards = [
                s if s.content else s._replace(content=self._part(s.name).content(folder=False))
                for s in layout.shards
            ]
        return layout._replace(shards=tuple(shards))

    def check(self, layout: Layout) -> None:
        """Raises OSError for a shard that is gone, LostValue for one that is not as it was."""
        if not isinstance(self.place, BucketPlace):
            note_use(self.place.where)
        with unwatched():
            now: dict[str, bytes] = {}
            if isinstance(self.place, BucketPlace) and len(layout.shards) > 1:
                now = {f.name: f.content for f in self._found()}
            for shard in layout.shards:
                content = now.get(shard.name) or self._part(shard.name).content(folder=False)
                if shard.content and content != shard.content:
                    raise LostValue(_CHANGED.format(self.where(shard)))

    def local(self, shard: Shard) -> str:
        """A path of the shard's file on this machine, for reading. Raises as `check` does."""
        with unwatched():
            part = self._part(shard.name)
            if shard.content and part.content(folder=False) != shard.content:
                raise LostValue(_CHANGED.format(part.name))
            return part.local(folder=False)

    def where(self, shard: Shard) -> str:
        """The path or URI of the shard's file."""
        return self._part(shard.name).where

    def _part(self, name: str) -> Place | BucketPlace:
        return place_of(f"{self.place.where}/{name}") if name else self.place

    def _found(self) -> list[Found]:
        where = self.place.where
        if isinstance(self.place, BucketPlace):
            from cellgraph.stores.s3 import objects  # boto3

            return [Found(*one) for one in objects.listed(self.place.bucket, self.place.key)]
        if os.path.isfile(where):  # noqa: PTH113 - text
            return [Found("", os.path.getsize(where), b"")]  # noqa: PTH202 - text
        below = [(name, os.path.join(where, name)) for name in files_below(where)]  # noqa: PTH118
        return [Found(name, os.path.getsize(path), b"") for name, path in below]  # noqa: PTH202
