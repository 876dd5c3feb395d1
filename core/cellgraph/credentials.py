"""Arguments that look like a credential are refused: they would be stored with the call.

Only forms that are hardly ever anything else. The names of arguments are bytes already when this
looks: one search over them tells nearly every call that there is nothing to look for.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cellgraph.identity.plain import class_of
from cellgraph.identity.scalars import ATOMS
from cellgraph.identity.values import Referenced
from cellgraph.secret import secret_in

# What every form below contains, as it stands in the identity of the arguments. It begins with rare
# characters, so that it passes over ordinary texts quickly.
_LIKELY: Final = re.compile(
    rb"[-_KSIP](?:(?<=[-_])[A-Za-z0-9]{20}|(?<=-)[0-9]{10}|(?<=pat-)[A-Za-z0-9_-]{20}"
    rb"|(?<=_)[Kk][Ee][Yy]|IA[A-Z2-7]{16}|[Ee][Yy]|za[A-Za-z0-9_-]{35}|RIVATE KEY)"
).search
_LONG: Final = 900
# In a larger container only so many members are looked at.
_MOST: Final = 10_000
_CONTAINERS: Final = frozenset({list, tuple, set, frozenset})
_MAPPINGS: Final[frozenset[type]] = frozenset({dict})
_WALKED: Final = _CONTAINERS | _MAPPINGS | {str}

_FORMS: Final = (
    ("an AWS access key", re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])")),
    ("a GitHub token", re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20}")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10}")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("an API key", re.compile(r"\bsk_live_[A-Za-z0-9]{24}")),
    (
        "an API key",
        re.compile(r"(?<![\w-])sk-(?:\w+-)*?(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])\w{20}"),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    (
        "an AWS secret key",
        re.compile(r"(?i:secret_?(?:access_?)?key)\W{1,6}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"),
    ),
)
_SECRET_NAME: Final = re.compile(r"secret_?(?:access_?)?key", re.IGNORECASE)
_SECRET_KEY: Final = re.compile(r"[A-Za-z0-9/+]{40}")
_EXAMPLE: Final = "EXAMPLE"  # in the keys of AWS's own documentation


class Found(NamedTuple):
    """The argument, by its name, and what it looks like."""

    argument: str
    form: str


def looks_like(text: str) -> str:
    """What *text* looks like ("a GitHub token"); empty if like no credential."""
    for form, pattern in _FORMS:
        match = pattern.search(text)
        if match is not None and _EXAMPLE not in match[0]:
            return form
    return ""


def names_one(names: Iterable[str]) -> bool:
    """Whether a parameter is called what only a secret key is called."""
    return any(_SECRET_NAME.search(name) for name in names)


def may_hold_one(ref: bytes, args: Iterable[Any]) -> bool:
    """Whether arguments of the identity *ref* deserve a look; nearly always not."""
    if _LIKELY(ref) is not None:
        return True
    for a in args:
        kind = class_of(a)
        if kind is str:
            if len(a) > _LONG:  # only its digest is in the identity
                return True
        elif kind not in ATOMS and type(getattr(a, "value", a)) in _WALKED:
            return True
    return False


def find(
    names: Iterable[str],
    args: Iterable[Any],
    kwargs: Mapping[str, Any],
    harmless: Collection[str],
) -> Found | None:
    """The first argument that holds a credential, or the text of a `Secret`.

    *names* are those of the positional ones; *harmless* the ones that are not looked at.
    """
    named = dict(enumerate(names))
    given = {named.get(at, f"[{at}]"): value for at, value in enumerate(args)} | dict(kwargs)
    for name, value in given.items():
        for label, text in () if name in harmless else _texts(name, value):
            form = secret_in(text) or looks_like(text)
            if not form and _SECRET_NAME.search(label) and _SECRET_KEY.fullmatch(text):
                form = "an AWS secret key"
            if form:
                return Found(name, form)
    return None


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts in an argument, in plain containers too, each with the name it has there."""
    stack: list[tuple[str, Any]] = [(name, value)]
    left = _MOST
    while stack and left:
        left -= 1
        label, found = stack.pop()
        if isinstance(found, str):
            yield label, found
        elif isinstance(found, bytes):
            yield label, found.decode("latin-1")
        elif type(found) in _MAPPINGS:
            stack.extend((k if type(k) is str else "", v) for k, v in found.items())
        elif type(found) in _CONTAINERS:
            stack.extend((label, item) for item in found)
        elif isinstance(found, Referenced):
            stack.append((label, _inside(found)))


def _inside(result: Referenced) -> object:
    """What is at hand of a result: a value the user passed, stored bytes, else its identity."""
    payload = getattr(result, "payload", None)
    at_hand: object = result.ref if payload is None else payload.head
    return getattr(result, "value", at_hand)
