"""Who fires an exported run: a target of the entry point group ``cellgraph.exporters``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from cellgraph.exported.bundle import Bundle, RunSpec


class Target(Protocol):
    """One kind of scheduler. `remote`: the run happens on a machine that has no path of this."""

    remote: bool

    def check(self, spec: RunSpec) -> None:
        """Raise ExportError for what this scheduler has no way to do."""
        ...

    def files(self, spec: RunSpec) -> Mapping[str, str]:
        """Files for the bundle by name; they depend on *spec* alone."""
        ...

    def next_step(self, spec: RunSpec, folder: Path, place: Path) -> str:
        """What to do with the bundle in *folder*, in a few lines; *place*: the notebook's folder,
        from which its relative paths and the project's settings are found."""
        ...


@runtime_checkable
class Applying(Protocol):
    """A target that can set up what fires a run, when it is told to (`--apply`)."""

    def apply(self, bundle: Bundle) -> str:
        """Create or update it; say what was done. Raises ConfigError, ExportError."""
        ...
