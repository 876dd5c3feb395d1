"""Names the machine and what is installed on it, and prepares it: bytecode, memory, disks."""

import compileall
import os
import platform
import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "cellgraph redun joblib diskcache dask numpy pandas pyarrow ipywidgets ipykernel blake3".split()
)
SOURCE_ROOTS: Final = ("core", "executors", "notebook_ext", "benchmarks")


def describe(scratch: Path) -> dict[str, str]:
    """Return what a reader must know to judge the figures."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_bytes() / 2**30:.0f} GiB",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "stores on": _file_system(scratch),
        "load at start (1, 5, 15 min)": load,
        "versions": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }


def compile_packages(root: Path) -> None:
    """Byte-compile our sources and every installed package; a no-op when that is done already."""
    for source in SOURCE_ROOTS:
        compileall.compile_dir(root / source, quiet=2)
    tests = re.compile(r"/tests?/")
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, rx=tests, maxlevels=20)


def touch_memory(size_bytes: int) -> None:
    """Write to *size_bytes* of memory in a child that ends: a virtual machine's host hands out
    pages at their first use, at up to 4 s a GB, and whoever comes first would pay for it.

    At most half of the machine's memory is touched.
    """
    size_bytes = min(size_bytes, _memory_bytes() // 2)
    code = f"b = bytearray({size_bytes})\nfor i in range(0, {size_bytes}, 4096): b[i] = 1\n"
    subprocess.run([sys.executable, "-c", code], check=False)


def is_memory(path: Path) -> bool:
    """Say whether *path* lies in memory rather than on a disk."""
    return _file_system(path).split()[0] in ("tmpfs", "ramfs")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(missing)"


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _file_system(path: Path) -> str:
    """Return type and mount point of what holds *path*, as far as the system tells."""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return "unknown"
    held = [
        (fields[1], fields[2])
        for fields in (line.split() for line in mounts)
        if path.resolve().is_relative_to(fields[1])
    ]
    point, kind = max(held, key=lambda pair: len(pair[0]))
    return f"{kind} at {point}"
