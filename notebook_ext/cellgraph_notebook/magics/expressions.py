"""The expression on the line of a magic: Python over the notebook's names, never expanded."""

import ast
from typing import Any

from cellgraph_notebook.errors import shown_well
from cellgraph_notebook.magics.arguments import refuse


def expression(shell: Any, text: str, magic: str) -> Any:
    """The value of *text*, usually a lazy expression. Raises UsageError if it is not Python."""
    text = text.strip()
    if not text:
        refuse(f"give an expression: {magic} total(parts)")
    if text.startswith("-") and text[1:2].isalpha():
        refuse(f"{text.split()[0]}: options come before the expression")
    try:
        tree = ast.parse(text, "<magic>", "eval")
    except SyntaxError as error:
        refuse(f"cannot read {text!r}: {error.msg}; options come before the expression")
    with shown_well(shell):
        return eval(compile(tree, "<magic>", "eval"), shell.user_ns)  # the user's own expression
