"""The big values: float arrays of 50 MB and frames of 36 MB with every common kind of column.

numpy and pandas are imported by the functions: the harness itself needs neither.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ARRAY_ITEMS: Final = 50_000_000 // 8
FRAME_ROWS: Final = 700_000
NUMBERS: Final = ("id", "x", "y", "flag")  # the columns of a frame that hold numbers


@lru_cache(maxsize=1)
def array_base() -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return random numbers that compress badly; callers copy them."""
    import numpy as np

    return np.random.default_rng(0).random(ARRAY_ITEMS)


@lru_cache(maxsize=1)
def frame_base() -> "pd.DataFrame":
    """Return a frame of int, float, float32, bool, time, category and text columns."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = FRAME_ROWS
    words = np.array([f"sample-{k:06d}" for k in range(20_000)], dtype=object)
    columns: dict[str, Any] = {
        "id": np.arange(rows, dtype="int64"),
        "x": rng.random(rows),
        "y": rng.standard_normal(rows).astype("float32"),
        "flag": rng.random(rows) < 0.5,
        "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows), unit="s"),
        "cat": pd.Categorical.from_codes(rng.integers(0, 8, rows), pd.Index(list("ABCDEFGH"))),
        "name": words[rng.integers(0, len(words), rows)],
    }
    return pd.DataFrame(columns)


def make_array(tag: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return a new array whose first item is *tag*."""
    value = array_base().copy()
    value[0] = tag
    return value


def make_frame(tag: int) -> "pd.DataFrame":
    """Return a new frame whose first id is *tag*."""
    value = frame_base().copy()
    value.iloc[0, 0] = tag
    return value


def prepare(workload: str) -> None:
    """Import the library and make the base value, so that no measurement pays for either."""
    if workload == "arrays":
        array_base()
    elif workload == "frames":
        frame_base()


def read_all(workload: str, values: list[Any]) -> None:
    """Read every number once, the cheapest way: exposes loads that defer."""
    for value in values:
        columns = [value] if workload == "arrays" else [value[name] for name in NUMBERS]
        for column in columns:
            column.sum()


def check(workload: str, values: list[Any]) -> int:
    """Return the sum of the tags of *values*; raise ValueError for one that has changed."""
    total = 0
    for value in values:
        if workload == "arrays":
            same = value.shape == (ARRAY_ITEMS,) and value[-1] == array_base()[-1]
            total += int(value[0])
        else:
            base = frame_base()
            same = value.dtypes.equals(base.dtypes) and value.iloc[-1].equals(base.iloc[-1])
            total += int(value.iloc[0, 0])
        if not same:
            raise ValueError(f"a value came back different from the one stored ({workload})")
    return total


def nbytes(workload: str) -> int:
    """Return the size of one value in memory."""
    if workload == "arrays":
        return array_base().nbytes
    return int(frame_base().memory_usage(deep=True).sum())
