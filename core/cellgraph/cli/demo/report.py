"""The demo's report: one HTML file that needs nothing else, in the reader's light or dark."""

import base64
import html
import os
import platform
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

import cellgraph.cli.demo as package
from cellgraph.cli.console import duration, plural
from cellgraph.cli.demo.quickstart import Quickstart
from cellgraph.cli.demo.story import Chapter
from cellgraph.cli.history import reasons_by_task
from cellgraph.pages import head
from cellgraph.provenance import TaskShare


def write_report(chapters: Sequence[Chapter], quickstart: Quickstart, path: Path) -> Path:
    """Write the report of the three runs to *path* and return it."""
    template = Template(files(package).joinpath("report.html").read_text(encoding="utf-8"))
    edited = chapters[-1]
    text = template.substitute(
        head=head("Cellgraph: the quickstart, three times"),
        gain=_gain(chapters),
        cards="\n".join(map(_card, chapters)),
        edit=_edit(edited),
        diff="".join(map(_diff_line, quickstart.diff())),
        tasks=_tasks(chapters),
        graphs="\n".join(map(_graph, chapters)),
        results="\n".join(_result(c) for c in (chapters[0], edited)),
        figure=_figure(edited),
        machine=html.escape(_machine()),
        files=", ".join(f"<code>{html.escape(c.notebook.name)}</code>" for c in chapters),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _gain(chapters: Sequence[Chapter]) -> str:
    first, again = chapters[0].run.elapsed_s, chapters[1].run.elapsed_s
    share = again / first
    said = f"{share:.1%}" if share >= 0.001 else "less than a thousandth"
    return f"The second evaluation took {said} of the first one's time."


def _card(chapter: Chapter) -> str:
    run = chapter.run
    shares = {"reused": run.reused, "ran": run.executed, "failed": run.failed}
    total = max(1, sum(shares.values()))
    bar = "".join(
        f'<i class="{kind}" style="width:{100 * count / total:.2f}%"></i>'
        for kind, count in shares.items()
    )
    saved = f", {duration(run.saved_s)} saved" if run.reused else ""
    return f"""<article class="card">
<h3>{html.escape(chapter.part.title)}</h3>
<div class="soft">{html.escape(chapter.part.lead)}</div>
<div class="time">{duration(run.elapsed_s)}</div>
<div class="bar" aria-hidden="true">{bar}</div>
<div><span class="key ran"></span>{plural(run.executed, "call")} ran</div>
<div><span class="key reused"></span>{run.reused:,} reused{saved}</div>
<div class="soft">whole notebook, with its kernel's start: {duration(chapter.wall_s)}</div>
</article>"""


def _edit(chapter: Chapter) -> str:
    """The reasons of the run after the edit, the one that names the helper first."""
    ran = [
        f"<code>{html.escape(task)}</code> ran because of {html.escape(why)}"
        for task, why, _ in chapter.run.misses
        if "helper" in why
    ]
    return ("; ".join(ran) or "One line of a helper changed") + "."


def _diff_line(line: str) -> str:
    kind = {"-": "gone", "+": "new"}.get(line[0], "same")
    return f'<span class="{kind}">{html.escape(line)}</span>'


def _tasks(chapters: Sequence[Chapter]) -> str:
    names = list(dict.fromkeys(share.name for c in chapters for share in c.run.tasks))
    head = "".join(f'<th scope="col">{html.escape(c.part.title)}</th>' for c in chapters)
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td>"
        + "".join(f"<td>{_share(chapter, name)}</td>" for chapter in chapters)
        + "</tr>"
        for name in names
    )
    head = f'<thead><tr><th scope="col">task</th>{head}</tr></thead>'
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def _share(chapter: Chapter, name: str) -> str:
    found = [share for share in chapter.run.tasks if share.name == name]
    if not found:
        return '<span class="soft">result reused whole</span>'
    share: TaskShare = found[0]
    said: list[str] = []
    if share.executed:
        ran = f"{share.executed:,} ran, {duration(share.seconds)}"
        said.append(f'<span class="key ran"></span>{ran}')
    if share.reused:
        said.append(f'<span class="key reused"></span>{share.reused:,} reused')
    why = reasons_by_task(chapter.run.misses).get(name)
    if share.executed and why:
        said.append(f'<span class="soft">{html.escape(why)}</span>')
    return "<br>".join(said)


def _graph(chapter: Chapter) -> str:
    if not chapter.graph_svg:
        return ""
    caption = html.escape(f"{chapter.part.title}, {duration(chapter.run.elapsed_s)}")
    source = _data_uri("image/svg+xml", base64.b64encode(chapter.graph_svg.encode()).decode())
    return (
        f'<figure class="card"><figcaption class="soft">{caption}</figcaption>'
        f'<img alt="graph of the run: {caption}" src="{source}"></figure>'
    )


def _result(chapter: Chapter) -> str:
    return (
        f'<div class="card"><h3>{html.escape(chapter.part.title)}</h3>'
        f'<div class="scroll">{chapter.result_html}</div></div>'
    )


def _figure(chapter: Chapter) -> str:
    if not chapter.figure_png:
        return ""
    source = _data_uri("image/png", chapter.figure_png.replace("\n", ""))
    return (
        '<figure class="card" style="margin-top:14px">'
        '<figcaption class="soft">Ten years past the end of the record, and the error of each '
        "forecast made before it</figcaption>"
        '<img class="paper" alt="the record, its forecast, and errors by year" '
        f'src="{source}"></figure>'
    )


def _data_uri(mime: str, encoded: str) -> str:
    return f"data:{mime};base64,{encoded}"


def _machine() -> str:
    when = time.strftime("%Y-%m-%d %H:%M")
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"Cellgraph on Python {platform.python_version()}, {system}, {when}."
