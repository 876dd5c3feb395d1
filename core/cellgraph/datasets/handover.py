"""Files through which a local Spark session gets what it cannot read by itself.

They live as long as the session, because a Spark frame reads when it is used.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# Arrow's hints are partial: what its functions take and return is not known in full.

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, Self

from cellgraph.datasets import formats, hive
from cellgraph.datasets.layout import Layout
from cellgraph.datasets.source import Source


class Handover:
    """A folder of one session. Any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, session: Any) -> Self:
        """The one of *session*; it is gone with the session's object."""
        known: Self | None = session.__dict__.get("_cellgraph_handover")
        if known is None:
            folder = Path(tempfile.mkdtemp(prefix="cellgraph-spark-"))
            known = session.__dict__["_cellgraph_handover"] = cls(folder)
            weakref.finalize(session, shutil.rmtree, folder, ignore_errors=True)
        return known

    def put(self, source: Source, layout: Layout) -> tuple[str, list[str]]:
        """Have all shards of *layout* in a new folder; return it and the files, in their order."""
        base = Path(tempfile.mkdtemp(dir=self._folder))
        names = [key.name for key in layout.keys]
        paths: list[str] = []
        for at, shard in enumerate(layout.shards):
            folder = base / hive.folder_of(names, shard.values)
            folder.mkdir(parents=True, exist_ok=True)
            path = source.local(shard)
            goal = folder / f"part-{at:05d}-{Path(path).name.lstrip('._')}"
            if shard.groups:
                _copy(path, shard.groups, goal)
            else:
                goal.symlink_to(path)
            paths.append(str(goal))
        return str(base), paths

    def frame(self, session: Any, table: Any) -> Any:
        """An Arrow table as a Spark frame."""
        goal = Path(tempfile.mkdtemp(dir=self._folder)) / "table.parquet"
        formats.write(table, goal, "parquet")
        return session.read.parquet(str(goal))


def _copy(path: str, groups: tuple[int, ...], goal: Path) -> None:
    """Write some row groups as a file, one in memory at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        writer: Any = pq.ParquetWriter(goal, file.schema_arrow)
        with writer:
            for at in range(*groups):
                writer.write_table(file.read_row_group(at))
