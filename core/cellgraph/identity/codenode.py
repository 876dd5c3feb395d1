"""The labelled tree of one code identity, stored beside results so that they can be explained.

A tree is flat: the root's children are the task's own function, then every helper, class and module
of its closure once, then the distributions; the children of those are their defaults, captured
values, globals and links. It holds display text (source, short values), which enters no digest.
"""

from typing import Any, Final, NamedTuple

from cellgraph.errors import CodecError

_FORMAT: Final = 1


class CodeNode(NamedTuple):
    """One part of an identity.

    `label` is what people call it (``helper clean()``, ``global K``); `kind` says what it is
    ("root", "pinned", "function", "class", ..., "data", "link", "package", ...); `digest` covers
    the part itself and not its children, except for the root, where it is the code's identity.
    `text` is its source or value; `line` that of its ``def`` in `place`; 0 and "" for none.
    """

    label: str
    kind: str
    digest: bytes
    text: str = ""
    line: int = 0
    place: str = ""
    children: "tuple[CodeNode, ...]" = ()

    def to_bytes(self) -> bytes:
        """Return the tree as JSON."""
        import json  # only when a tree is stored

        return json.dumps([_FORMAT, _plain(self)], separators=(",", ":")).encode()


def from_bytes(data: bytes) -> CodeNode:
    """Read what `CodeNode.to_bytes` wrote. Raises CodecError."""
    import json

    try:
        version, tree = json.loads(data)
        if version != _FORMAT:
            raise CodecError(
                f"a stored code tree has format {version}: upgrade cellgraph to read it"
            )
        return _made(tree)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CodecError(f"a stored code tree cannot be read: {error}") from error


def _plain(node: CodeNode) -> list[Any]:
    children = [_plain(child) for child in node.children]
    return [node.label, node.kind, node.digest.hex(), node.text, node.line, node.place, children]


def _made(data: list[Any]) -> CodeNode:
    label, kind, digest, text, line, place, children = data
    made = tuple(_made(child) for child in children)
    return CodeNode(
        str(label), str(kind), bytes.fromhex(digest), str(text), int(line), str(place), made
    )
