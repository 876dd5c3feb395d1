"""Pages that need nothing else: no script, no network, in the reader's light or dark."""

import html
from importlib.resources import files
from typing import Final, Literal

# The first bytes of each page. A browser that reads them runs no script of what follows and loads
# nothing from elsewhere, whoever wrote it: so a page from a shared bucket is checked for them.
PROMISE: Final = (
    '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
)


def head(title: str) -> str:
    """The beginning of a page, up to its body."""
    style = files(__name__).joinpath("style.css").read_text("utf-8")
    return (
        f'{PROMISE}<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>"
    )


def in_scheme(page: str, scheme: Literal["light", "dark"]) -> str:
    """*page* as it looks in one scheme, whatever the reader's system prefers."""
    media = "all" if scheme == "dark" else "not all"
    forced = page.replace("(prefers-color-scheme: dark)", media)
    return forced.replace('content="light dark"', f'content="{scheme}"', 1)
