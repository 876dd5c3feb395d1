"""A package that a machine has in some version, or not."""

import sys
from pathlib import Path

import pytest


def install(folder: Path, release: str) -> Path:
    """Site packages with `lumps`, as pip leaves them; empty ones if it has no *release*."""
    site = folder / f"lumps-{release or 'missing'}" / "site-packages"
    info = site / f"lumps-{release}.dist-info"
    site.mkdir(parents=True)
    if release:
        info.mkdir()
        (site / "lumps.py").write_text(f"RELEASE = {release!r}\n")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lumps\nVersion: {release}\n")
        (info / "RECORD").write_text(f"lumps.py,,\nlumps-{release}.dist-info/RECORD,,\n")
    return site


def have(patch: pytest.MonkeyPatch, folder: Path, release: str) -> None:
    """Have `lumps` here."""
    patch.setattr(sys, "path", [str(install(folder, release)), *sys.path])
    patch.delitem(sys.modules, "lumps", raising=False)
