"""Processes that a test has started, directly or not."""

from pathlib import Path


def lives(pid: int | str) -> bool:
    """Whether a process of this number runs; one that is only waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
