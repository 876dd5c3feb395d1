"""``%runs``: what has run, here and on a schedule; its report, graph, value; and once more."""

import html
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cellgraph.errors import ConfigError, ExportError, StoreError
from cellgraph.pages import in_scheme
from cellgraph_notebook.kernel import Kernel
from cellgraph_notebook.magics.arguments import Options, parse_line, refuse
from cellgraph_notebook.magics.history_magic import run_diff
from cellgraph_notebook.outputs import show
from cellgraph_notebook.table import Table
from cellgraph_notebook.wording import count, duration, plural

if TYPE_CHECKING:
    from cellgraph.provenance import RunSummary

OPTIONS: Final = Options(texts=("save",), flags=("report", "graph", "value"))
SHOWN: Final = 20
AGAIN: Final = "again"
_RUNS: Final = (
    "run", "started", "status", "expression", "ran", "reused", "failed", "took", "saved",
)  # fmt: skip
_SHARES: Final = ("task", "ran", "reused", "computing", "why it ran")
_TWICE: Final = 200_000  # characters of a page that may stand in an output twice
_DARK: Final = ('[data-jp-theme-light="false"]', ".vscode-dark", 'html[theme="dark"]')
_PICKS: Final = (
    "<style>.cg-page-dark{display:none}"
    + "".join(
        f"{host} .cg-page-dark{{display:block}}{host} .cg-page-light{{display:none}}"
        for host in _DARK
    )
    + "</style>"
)
_FRAME: Final = "width:100%;height:640px;border:1px solid rgba(128,128,128,.4);border-radius:8px"


def run_runs(kernel: Kernel, line: str) -> Any:
    """Carry out ``%runs [again] [ID] [OTHER] [OPTIONS]``."""
    options, rest = parse_line(_options_first(line), OPTIONS)
    words = rest.split()
    try:
        if words[:1] == [AGAIN]:
            return _again(kernel, words[1:])
        if len(words) > 2:
            refuse(f"%runs takes one id, or two to compare, not {len(words)}")
        if options:
            if len(words) != 1 or len(options) != 1:
                refuse("--report, --graph, --value, --save FILE are of one run: %runs ID --report")
            return _opened(kernel, words[0], *next(iter(options.items())))
        if not words:
            return _recent(kernel.session.run_summaries(SHOWN))
        if len(words) == 2:
            return run_diff(kernel, *words)
        return _one(kernel.session.run_summary(words[0]))
    except (StoreError, ConfigError, ExportError) as error:
        refuse(str(error).replace("`runs()`", "%runs"))


def _options_first(line: str) -> str:
    """Options may stand behind the id: it has no spaces."""
    words = line.split()
    at = next((n for n, word in enumerate(words) if word.startswith("--")), len(words))
    return " ".join([*words[at:], *words[:at]])


def _opened(kernel: Kernel, id: str, what: str, said: Any) -> Any:
    """One run's report, graph or value."""
    from cellgraph.scheduled.reporter import report_of

    session = kernel.session
    run = session.run_summary(id)
    if what == "value":
        return session.get_run(run.id).result()
    if what == "graph":
        from cellgraph_notebook.reports.past import past_snapshot
        from cellgraph_notebook.static_view import run_bundle

        show(*run_bundle(past_snapshot(session, run, session.find_calls(run=run.id))))
    elif what == "save":
        path = Path(said)
        path.write_text(report_of(session, run, path.suffix), "utf-8")
        print(f"{path} is the {'executed notebook' if path.suffix == '.ipynb' else 'report'}")
    else:
        page = report_of(session, run, ".html")
        show({"text/html": _framed(page), "text/plain": repr(_one(run))}, {})
    return None


def _framed(page: str) -> str:
    """The page in a frame. A frame does not see its host's theme: one for each, the host picks."""
    if len(page) > _TWICE:
        return _frame(page, "")
    dark = _frame(in_scheme(page, "dark"), "cg-page-dark")
    return _PICKS + _frame(in_scheme(page, "light"), "cg-page-light") + dark


def _frame(page: str, name: str) -> str:
    # without a word in it a sandbox allows nothing: no script, no form, no way out
    return (
        f'<iframe sandbox="" class="{name}" style="{_FRAME}" srcdoc="{html.escape(page)}"></iframe>'
    )


def _again(kernel: Kernel, words: list[str]) -> Any:
    """Run once more: an exported run with its own code, or what this kernel has evaluated."""
    if len(words) != 1:
        refuse("%runs again takes the id of one run")
    session = kernel.session
    run = session.run_summary(words[0])
    if run.scheduled is None:
        asked = kernel.asked_in(run.id)
        if asked is None:
            refuse(f"run {run.id} is not of this kernel: evaluate {run.label} again")
        expr, how = asked
        return kernel.evaluate(expr, **how)
    from cellgraph.scheduled.again import job_again
    from cellgraph.scheduled.attempt import Failed, attempt

    with tempfile.TemporaryDirectory(prefix="cellgraph-again-") as folder:
        job = job_again(session, run, Path(folder))
        ended = attempt(session, job, 1, print)
    if isinstance(ended, Failed):
        raise ended.error
    return ended.value


def _recent(runs: "list[RunSummary]") -> Table:
    newest_first = sorted(runs, key=lambda run: run.started, reverse=True)
    exported = any(run.scheduled is not None for run in runs)
    columns = (*_RUNS, "exported run") if exported else _RUNS
    rows = [
        (
            r.id,
            datetime.fromtimestamp(r.started).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            r.status,
            r.label,
            count(r.executed),
            count(r.reused),
            count(r.failed),
            duration(r.elapsed_s),
            duration(r.saved_s) if r.saved_s else "–",
            *([r.scheduled.said if r.scheduled else "–"] if exported else []),
        )
        for r in newest_first
    ]
    if not rows:
        return Table("no runs in this store yet", _RUNS, rows)
    more = "%runs ID tells more of one, %runs ID --report opens it"
    title = f"the last {plural(len(rows), 'run')}, newest first · {more}"
    return Table(title, columns, rows)


def _one(run: "RunSummary") -> Table:
    why: dict[str, list[str]] = {}
    for name, reason, times in run.misses:
        why.setdefault(name, []).append(f"{reason} ×{count(times)}")
    rows = [
        (t.name, count(t.executed), count(t.reused), duration(t.seconds), ", ".join(why[t.name]))
        if t.name in why
        else (t.name, count(t.executed), count(t.reused), duration(t.seconds), "–")
        for t in run.tasks
    ]
    title = f"run {run.id} · {run.status} · {run.label} · {duration(run.elapsed_s)}"
    return Table(" · ".join([title, *run.errors[:1]]), _SHARES, rows)
