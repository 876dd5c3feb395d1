"""The folder of an exported run: ``run.toml``, ``flow.py``, the notebook, the lock, triggers.

Its bytes depend on the notebook, the options and the locked versions alone, so that equal exports
are equal folders, named by one digest.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cellgraph.digest import digest
from cellgraph.errors import ExportError
from cellgraph.exported.params import Parameter
from cellgraph.exported.schedule import Schedule

FORMAT: Final = 1
RUN, FLOW, NOTEBOOK, LOCK = "run.toml", "flow.py", "notebook.ipynb", "lock.txt"


class RunSpec(NamedTuple):
    """What an exported run is."""

    name: str
    target: str
    schedule: Schedule | None  # None: it is started by hand
    parameters: tuple[Parameter, ...] = ()
    retries: int = 0
    timeout_s: float = 0.0  # of one attempt; 0: none
    given: tuple[tuple[str, str], ...] = ()  # parameters set at the export: name, text
    alert: str = ""  # who is told of a failure: see `exported.alert`
    python: str = ""  # 3.11
    store: str = ""  # empty: as the settings of the place say


class Bundle(NamedTuple):
    """A bundle in memory: files by name."""

    spec: RunSpec
    files: Mapping[str, bytes]

    @property
    def id(self) -> str:
        """Hex digest over the names and bytes of all files."""
        parts = [name.encode() + b"\0" + digest(self.files[name]) for name in sorted(self.files)]
        return digest(b"".join(parts)).hex()

    def pack(self) -> bytes:
        """All files as one text: equal bundles give equal bytes."""
        return json.dumps(
            {name: self.files[name].decode() for name in sorted(self.files)}, ensure_ascii=False
        ).encode()

    def write(self, folder: Path) -> None:
        """Write the files below *folder*; files of an earlier export that are not in it go."""
        earlier = _listed(folder)
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for name in earlier - set(self.files):
            (folder / name).unlink(missing_ok=True)


def write_toml(spec: RunSpec, files: Mapping[str, bytes], cells: Mapping[str, Any]) -> bytes:
    """The bytes of ``run.toml``: the run, its parameters, and a digest of each file of *files*."""
    lines = [f"format = {FORMAT}", f"name = {_text(spec.name)}", f"target = {_text(spec.target)}"]
    lines += [f"python = {_text(spec.python)}"]
    lines += [f"store = {_text(spec.store)}"] if spec.store else []
    lines += [f"retries = {spec.retries}"]
    lines += [f"timeout_s = {spec.timeout_s!r}"] if spec.timeout_s else []
    lines += [f"alert = {_text(spec.alert)}"] if spec.alert else []
    if spec.schedule is not None:
        lines += ["", "[schedule]", f"cron = {_text(spec.schedule.cron)}"]
        lines += [f"zone = {_text(spec.schedule.zone)}"]
    if spec.given:
        lines += ["", "[given]", *(f"{_text(name)} = {_text(text)}" for name, text in spec.given)]
    for parameter in spec.parameters:
        lines += ["", "[[parameters]]", f"name = {_text(parameter.name)}"]
        lines += [f"type = {_text(parameter.kind)}", f"default = {_text(parameter.default)}"]
        if parameter.choices:
            lines += [f"choices = {json.dumps(list(parameter.choices), ensure_ascii=False)}"]
    lines += ["", "[cells]", f"run = {json.dumps(list(cells['run']))}"]
    for number, why in cells["left"]:
        lines += ["", "[[cells.left]]", f"cell = {number}", f"why = {_text(why)}"]
    lines += ["", "[files]"]
    lines += [f"{_text(name)} = {_text(digest(files[name]).hex())}" for name in sorted(files)]
    return ("\n".join(lines) + "\n").encode()


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle. Raises ExportError for what is none, is newer, or was edited by hand."""
    try:
        text = (folder / RUN).read_text("utf-8")
    except OSError:
        raise ExportError(f"{folder} is no bundle: it has no {RUN}") from None
    spec, said = _read(text, str(folder))
    files = {RUN: text.encode()}
    for name, wanted in said.items():
        files[name] = _checked(folder, name, wanted)
    return Bundle(spec, files)


def unpack(data: bytes) -> Bundle:
    """What `Bundle.pack` gave. Raises ExportError for anything else."""
    try:
        texts: dict[str, str] = json.loads(data)
        files = {name: text.encode() for name, text in texts.items()}
        spec, said = _read(texts[RUN], "the kept bundle")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ExportError(f"this is no bundle: {error}") from None
    for name, wanted in said.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ExportError(f"a bundle has no file {name!r}")
        if name not in files or digest(files[name]).hex() != wanted:
            raise ExportError(f"{name} of a bundle is not what its {RUN} says")
    return Bundle(spec, files)


def _read(text: str, where: str) -> tuple[RunSpec, dict[str, str]]:
    """The run that a ``run.toml`` describes, and the digests of its files."""
    try:
        raw = tomllib.loads(text)
        if raw["format"] > FORMAT:
            raise ExportError(f"{where} was made by a newer cellgraph: update this one")
        return _spec(raw), raw["files"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ExportError(f"the {RUN} of {where} cannot be read: {error}") from None


def _checked(folder: Path, name: str, wanted: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ExportError(f"{folder / RUN} names {name!r}, which is outside of the bundle")
    try:
        data = path.read_bytes()
    except OSError:
        raise ExportError(f"{folder} lacks {name}: export it again") from None
    if digest(data).hex() != wanted:
        raise ExportError(
            f"{path} was changed after the export: edit the notebook, export it again"
        )
    return data


def _spec(raw: Mapping[str, Any]) -> RunSpec:
    due = raw.get("schedule")
    return RunSpec(
        name=raw["name"],
        target=raw["target"],
        schedule=Schedule(due["cron"], due["zone"]) if due else None,
        parameters=tuple(
            Parameter(p["name"], p["type"], p["default"], tuple(p.get("choices", ())), 0)
            for p in raw.get("parameters", ())
        ),
        retries=raw["retries"],
        timeout_s=float(raw.get("timeout_s", 0.0)),
        given=tuple(raw.get("given", {}).items()),
        alert=raw.get("alert", ""),
        python=raw["python"],
        store=raw.get("store", ""),
    )


def _listed(folder: Path) -> set[str]:
    """The files of the bundle that is in *folder* now."""
    try:
        return {RUN, *tomllib.loads((folder / RUN).read_text("utf-8"))["files"]}
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return set()


def _text(text: str) -> str:
    """A TOML basic string: as JSON's, but that TOML knows no surrogates and no bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
