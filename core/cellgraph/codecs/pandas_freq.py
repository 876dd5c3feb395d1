"""pandas frequencies as plain states, and back."""

import importlib
from typing import Any

to_offset: Any = importlib.import_module("pandas.tseries.frequencies").to_offset
State = Any


def freq_state(freq: Any) -> State:
    """A frequency as its string where that says all, else the offset itself."""
    if freq is None:
        return None
    text = freq.freqstr
    try:
        return text if to_offset(text) == freq else freq
    except ValueError:
        return freq


def freq_from(state: State) -> Any:
    """The offset that `freq_state` stated."""
    return to_offset(state) if isinstance(state, str) else state
