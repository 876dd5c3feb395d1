"""Limits of Glue, under the names of its API and its guide."""

from collections.abc import Mapping
from typing import Final

# DPUs of one worker. Standard workers are bought by MaxCapacity.
DPUS: Final[Mapping[str, float]] = {
    "Standard": 1,
    "G.025X": 0.25,
    "G.1X": 1,
    "G.2X": 2,
    "G.4X": 4,
    "G.8X": 8,
    "G.12X": 12,
    "G.16X": 16,
    "R.1X": 1,
    "R.2X": 2,
    "R.4X": 4,
    "R.8X": 8,
    "Z.2X": 2,
}
FLEX_WORKERS: Final = frozenset({"G.1X", "G.2X"})
WORKERS_MIN: Final = 2  # a driver and an executor
VERSIONS: Final = ("3.0", "4.0", "5.0", "5.1", "6.0")
VERSION_UNSAID: Final = "6.0"
TIMEOUT_MIN: Final = 7 * 24 * 60  # the longest, in minutes
TIMEOUT_UNSAID_MIN: Final[Mapping[str, int]] = {"3.0": 2880, "4.0": 2880}  # and 480 since 5.0
TIMEOUT_UNSAID_SINCE_5_MIN: Final = 480
MAX_RETRIES: Final = 10
RUNS_PER_JOB: Final = 1000  # what MaxConcurrentRuns may say
RUNS_PER_ACCOUNT: Final = 50  # a quota that AWS raises when asked
STOPPED_AT_ONCE: Final = 25
JOBS_LISTED: Final = 1000
RUNS_LISTED: Final = 200
# What a process gets between SIGTERM and SIGKILL.
GRACE_S: Final = 30.0
