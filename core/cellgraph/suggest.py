"""The closest known name for a typo."""

from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'retries'?`` for a typo, or the list of known names."""
    import difflib  # only ever needed for a message

    names = sorted(known)
    match = difflib.get_close_matches(name, names, n=1)
    if match:
        return f"; did you mean {match[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
