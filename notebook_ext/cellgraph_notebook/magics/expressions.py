"""The expression on the line of a magic: Python over the notebook's names, never expanded."""

import ast
import re
from typing import Any, Final

from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.magics.arguments import Options, refuse

# `total(parts) --bg` would be a subtraction.
_OPTION_BEHIND: Final = re.compile(r"\s(--?[a-z][\w-]*)$")


def expression(shell: Any, text: str, magic: str, options: Options) -> Any:
    """The value of *text*, usually a lazy expression. Raises UsageError if it is not Python."""
    text = text.strip()
    if not text:
        refuse(f"give an expression: {magic} total(parts)")
    behind = _OPTION_BEHIND.search(text)
    if behind is not None and behind[1].lstrip("-").replace("-", "_") in options.names:
        refuse(f"{behind[1]}: options come before the expression")
    try:
        tree = ast.parse(text, "<magic>", "eval")
    except SyntaxError as error:
        refuse(f"cannot read {text!r}: {error.msg}; options come before the expression")
    with shown_well(shell):
        return eval(compile(tree, "<magic>", "eval"), shell.user_ns)  # the user's own expression
