"""`Secret`: a value by its name, read where the task runs; and how its text is kept out of sight.

A secret is known by its reference alone. In keys, records, pickles and reprs there is nothing else.
Once a secret exists in a process, its text is replaced by its name in what tasks print and in their
errors, and a result or argument that holds the text is refused.

What this cannot see: a text that was changed (encoded, cut, hashed; as a repr, HTML or JSON
write it, it is seen), files and databases the task
writes itself, and what other programs log.
"""

import html
import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cellgraph.codecs.payload import Payload
from cellgraph.errors import CodecError, ConfigError
from cellgraph.executor import JobEvent, JobFailed, JobLog, JobProgress
from cellgraph.identity.registry import register_value

_REFERENCE: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_SHORTEST: Final = 4  # a shorter text would be found everywhere
_SHORTEST_LINE: Final = 16  # of a secret of several lines, such as a private key

# References of the secrets that have existed in this process; their texts are looked up anew each
# time and never kept.
_references: Final[set[str]] = set()


class Secret:
    """A value that is never stored, logged or shown: ``Secret("env:API_TOKEN")``.

    Pass it to a task and call `value()` there. Its identity is the reference: a changed password
    does not change results. Raises ConfigError for another form of reference.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        given: Any = reference
        if not isinstance(given, str) or _REFERENCE.fullmatch(given) is None:
            # what was given may be the secret itself: it is not repeated
            raise ConfigError('Secret() takes the name of an environment variable: "env:NAME"')
        self._reference = reference
        _references.add(reference)

    @property
    def reference(self) -> str:
        """What the secret is known by: ``env:NAME``."""
        return self._reference

    def value(self) -> str:
        """Read the secret here and now. Raises ConfigError, which names it, if it is not set."""
        text = _text_of(self._reference)
        if text is None:
            name = self._reference.partition(":")[2]
            raise ConfigError(
                f"{self!r} is not set: the environment variable {name} is missing where the task "
                "runs"
            )
        return text

    def __repr__(self) -> str:
        return f"<secret {self._reference}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (Secret, (self._reference,))


def _reference_of(secret: Secret) -> str:
    return secret.reference


register_value(Secret, tag="cellgraph.secret", version=1, encode=_reference_of, decode=Secret)


def _text_of(reference: str) -> str | None:
    return os.environ.get(reference.partition(":")[2])


def _texts() -> list[tuple[str, str]]:
    """Each text that must not be seen, longest first, and what stands for it."""
    found: list[tuple[str, str]] = []
    for reference in sorted(_references):
        text = _text_of(reference) or ""
        lines = [line for line in text.splitlines() if len(line) >= _SHORTEST_LINE]
        plain = [form for form in (text, *lines) if len(form) >= _SHORTEST]
        found += [(form, f"<secret {reference}>") for form in _written({*plain})]
    return sorted(found, key=lambda pair: len(pair[0]), reverse=True)


def _written(plain: set[str]) -> set[str]:
    """*plain* texts as they stand in a repr, in HTML and in JSON, and in one within another."""
    forms = plain | {repr(form)[1:-1] for form in plain}
    forms |= {html.escape(form, quote) for form in forms for quote in (True, False)}
    return forms | {json.dumps(form, ensure_ascii=a)[1:-1] for form in forms for a in (True, False)}


def hidden(text: str, *, markup: bool = False) -> str:
    """*text* with names in the places of secrets; *markup*: it is HTML or SVG."""
    if not _references:
        return text
    secrets = _texts()
    if markup:
        secrets = [(secret, html.escape(name)) for secret, name in secrets]
    return _replaced(text, secrets)


def _replaced(text: str, secrets: Iterable[tuple[str, str]]) -> str:
    for secret, name in secrets:
        if secret in text:
            text = text.replace(secret, name)
    return text


def without_secrets(events: Sequence[JobEvent]) -> Sequence[JobEvent]:
    """What executors report, with names in the places of secrets in prints and errors."""
    secrets = _texts() if _references else []
    return [_cleaned(event, secrets) for event in events] if secrets else events


def _cleaned(event: JobEvent, secrets: list[tuple[str, str]]) -> JobEvent:
    if isinstance(event, (JobLog, JobProgress)):
        return event._replace(text=_replaced(event.text, secrets))
    if isinstance(event, JobFailed):
        _clean_error(event.error, secrets)
        return event._replace(traceback=_replaced(event.traceback, secrets))
    return event


def _clean_error(error: BaseException | None, secrets: list[tuple[str, str]]) -> None:
    """Replace the texts in an exception, its notes, and those it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found: tuple[Any, ...] = error.args
        error.args = tuple([_replaced(a, secrets) if type(a) is str else a for a in found])
        notes: list[str] = getattr(error, "__notes__", [])
        notes[:] = [_replaced(str(note), secrets) for note in notes]
        error = error.__cause__ or error.__context__


def any_known() -> bool:
    """Whether a secret has existed in this process."""
    return bool(_references)


def secret_in(text: str | bytes | memoryview) -> str:
    """The reference of a secret whose text is in *text*; empty if none is."""
    if not _references:
        return ""
    for secret, name in _texts():
        if isinstance(text, str):
            found = secret in text
        else:  # not copied: it may be a file of any size, mapped
            found = re.search(re.escape(secret.encode()), text) is not None
        if found:
            return name
    return ""


def refuse_stored(value: object) -> None:
    """Raise CodecError if a scalar, or a payload on its way to the store, holds a secret."""
    if not _references:
        return
    if isinstance(value, Payload):
        parts: list[str | bytes | memoryview] = [value.head, *(b.data for b in value.buffers)]
    else:
        parts = [value] if isinstance(value, (str, bytes)) else []
    for part in parts:
        found = secret_in(part)
        if found:
            raise CodecError(
                f"the value of {found} is in what a task returned: results are stored, so return "
                "something else, or pass the Secret itself on"
            )
