"""`cellgraph doctor`: what works here, what does not, and what to do about it."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from rich.text import Text

from cellgraph.cli.console import console
from cellgraph.cli.places import store_folder
from cellgraph.errors import CellgraphError
from cellgraph.executor import Surroundings
from cellgraph.marks import when
from cellgraph.plugins import executor_names, make_executor
from cellgraph.session import Session
from cellgraph.settings import load_settings
from cellgraph.stores import trusted
from cellgraph.stores.opening import open_store
from cellgraph.surroundings import on_record

Level = Literal["ok", "missing", "broken"]

_GIB: Final = 1 << 30
_LOW_DISK_BYTES: Final = 2 * _GIB
_STYLES: Final = {"ok": ("✓", "green"), "missing": ("–", "yellow"), "broken": ("✕", "red")}
_DEMO: Final = ("matplotlib", "sklearn", "statsmodels")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. "missing" is optional, "broken" is not; both say what to do."""

    level: Level
    what: str
    detail: str
    remedy: str = ""


def print_policy(store: str | None) -> None:
    """Print what the store in S3 has to be allowed, as JSON for IAM. Raises ConfigError."""
    from cellgraph.stores.s3.permissions import least_policy
    from cellgraph.stores.s3.place import parse_uri

    settings = load_settings({"store": store})
    policy = least_policy(parse_uri(settings.store), str(settings.s3.get("kms_key", "")))
    print(json.dumps(policy, indent=2))


def examine(store: str | None) -> bool:
    """Print every finding; return whether nothing is broken."""
    out = console()
    sound = True
    for finding in findings(store):
        glyph, style = _STYLES[finding.level]
        out.print(
            Text(f"{glyph} {finding.what:<12}", style=style), Text(finding.detail), soft_wrap=True
        )
        if finding.remedy:
            out.print(Text(f"  → {finding.remedy}"), soft_wrap=True)
        sound = sound and finding.level != "broken"
    return sound


def findings(store: str | None) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield _python()
    yield _machine()
    try:
        where = load_settings({"store": store}).store
        folder = None if where.startswith("s3://") else store_folder(Path(store) if store else None)
    except CellgraphError as error:
        yield Finding("broken", "settings", str(error), "correct the file or variable it names")
    else:
        if folder is None:
            yield _bucket(where)
        else:
            yield _store(folder)
            yield _disk(folder)
        yield from _executors(where)
    yield _modules("notebook", ("IPython", "ipykernel", "anywidget"), "pip install cellgraph")
    yield _modules("demo", _DEMO, "pip install 'cellgraph[demo]' for `cellgraph demo`")
    yield _java()


def _python() -> Finding:
    version = platform.python_version()
    if sys.platform == "win32":
        return Finding("broken", "Python", "Windows", "use Cellgraph inside WSL")
    return Finding("ok", "Python", f"{version}, {sys.executable}")


def _machine() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free"
    return Finding("ok", "machine", f"{os.cpu_count()} cores, {free}")


def _store(folder: Path) -> Finding:
    """Open the store and write to it: a record's way, without a record."""
    existed = (folder / "format.json").is_file()
    try:
        with Session(folder) as session:
            count = len(session.run_summaries())
            probe = folder / f".doctor-{os.getpid()}"
            probe.write_bytes(b"cellgraph")
            probe.unlink()
    except (CellgraphError, OSError) as error:
        return Finding("broken", "store", str(error), "correct it, or name another: --store FOLDER")
    state = f"writable, {count:,} runs on record" if existed else "created now, writable"
    return Finding("ok", "store", f"{folder}: {state}")


def _bucket(uri: str) -> Finding:
    """Look at the bucket, and put into it what may wait here from earlier sessions."""
    remedy = f"the least that has to be allowed: cellgraph doctor --policy --store {uri}"
    said: list[str] = []
    try:
        settings = load_settings({"store": uri})
        store = open_store(settings, said.append)
        try:
            count = len(store.list_files("runs"))
        finally:
            store.close()
        believed = trusted.is_trusted(uri)
    except CellgraphError as error:
        return Finding("broken", "store", str(error), remedy)
    if said:
        return Finding("broken", "store", said[0], remedy)
    who = "everybody who can write there is trusted" if believed else "data only is believed"
    how = who if settings.trust == "bucket" else f"trust = {settings.trust!r}"
    return Finding("ok", "store", f"{uri}: {count:,} runs on record; {how}")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free
    detail = f"{free / _GIB:.1f} GiB free beside the store"
    if free < _LOW_DISK_BYTES:
        return Finding("broken", "disk", detail, "free some space, or move the store: store = ...")
    return Finding("ok", "disk", detail)


def _executors(store: str) -> Iterator[Finding]:
    """Every registered executor can be imported and takes its settings."""
    configured = load_settings({}).executors
    for name in dict.fromkeys((*executor_names(), *configured)):
        settings = dict(configured.get(name, {}))
        kind = str(settings.pop("type", name))
        yield from _executor(name, kind, settings, store if name in configured else "")


def _executor(
    name: str, kind: str, settings: Mapping[str, object], store: str
) -> Iterator[Finding]:
    """One that is configured, and knows how (`examine`), looks at what it needs elsewhere.

    *store*: empty for one that is not.
    """
    remedy = "correct its settings, or install what it needs"
    try:
        made: Any = make_executor(kind, settings)
        yield Finding("ok", name, f"executor of type {type(made).__name__}")
        for level, detail, advice in made.examine() if store and hasattr(made, "examine") else ():
            yield Finding(level, name, detail, advice)
        if store.startswith("s3://") and hasattr(made, "surroundings"):
            # a script: its worker is in the image that has Python, whatever else is said
            yield from _surroundings(name, made.surroundings({}, script=True), store)
    except (CellgraphError, ImportError) as error:
        yield Finding("broken", name, str(error), remedy)


def _surroundings(name: str, place: Surroundings | None, uri: str) -> Iterator[Finding]:
    """What is on record of where calls of an executor run. Raises StoreError."""
    if place is None:
        return
    store = open_store(load_settings({"store": uri}), lambda _: None)
    try:
        found = on_record(store, place.name)
    finally:
        store.close()
    if found is None:
        advice = "the first job there describes it"
        yield Finding("missing", name, f"{place.name}: its packages are not on record", advice)
        return
    there, at = found
    detail = f"{place.name}: Python {there.python}, {len(there.packages)} packages"
    yield Finding("ok", name, f"{detail}, described {when(at)}")


def _modules(what: str, modules: Sequence[str], remedy: str) -> Finding:
    absent = [name for name in modules if find_spec(name) is None]
    if absent:
        return Finding("missing", what, f"without {', '.join(absent)}", remedy)
    return Finding("ok", what, ", ".join(modules))


def _java() -> Finding:
    """Java is needed for Spark tasks on this machine, and for nothing else."""
    path = shutil.which("java")
    if path is None:
        return Finding("missing", "Java", "not found", "install Java 17 to run Spark tasks here")
    try:
        said = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("missing", "Java", str(error), "install Java 17 to run Spark tasks here")
    return Finding("ok", "Java", (said.stderr or said.stdout).splitlines()[0])
