"""Limits that AWS documents for Batch, under the names that the user guide gives them."""

import re
from typing import Final

ARRAY_SIZES: Final = range(2, 10_001)
ATTEMPTS: Final = range(1, 11)
CONTAINERS: Final = range(1, 11)  # of one task
EVALUATE_ON_EXIT: Final = 5
PATTERN_CHARACTERS: Final = 512
DEPENDENCIES: Final = 20
DESCRIBED_AT_ONCE: Final = 100
LISTED_BY_STATUS: Final = 1_000
LISTED_BY_FILTER: Final = 100
MIN_TIMEOUT_S: Final = 60
MIN_MEMORY_MIB: Final = 4
REASON_CHARACTERS: Final = 1_024
SUBMIT_BYTES: Final = 30 * 1_024
DEFINITION_BYTES: Final = 24 * 1_024
OVERRIDES_CHARACTERS: Final = 8_192  # seen in practice, not in the guide
SUBMITS_PER_S: Final = 50
TAGS: Final = 50
QUEUES: Final = 50
COMPUTE_ENVIRONMENTS: Final = 50
ENVIRONMENTS_PER_QUEUE: Final = 3
RESERVED: Final = "AWS_BATCH"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
# What a process gets between SIGTERM and SIGKILL.
GRACE_S: Final = 30.0
