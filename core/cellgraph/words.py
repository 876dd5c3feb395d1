"""Numbers as people read them."""


def duration(seconds: float) -> str:
    """A length of time as people say it: "8 ms", "3.2 s", "4 min 10 s", "2 h 5 min"."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, one: str) -> str:
    """ "1 call", "86 calls"."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
