"""`cellgraph demo`: what it prints."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from cellgraph.cli.console import console, duration, error_console, plural
from cellgraph.cli.demo import quickstart
from cellgraph.cli.demo.report import write_report
from cellgraph.cli.demo.story import Chapter, tell
from cellgraph.cli.history import reasons_by_task
from cellgraph.provenance import RunSummary


def demo(out: Path) -> None:
    """Run the quickstart three times, say what happened and write the report into *out*."""
    found = quickstart.load()
    out.mkdir(parents=True, exist_ok=True)
    screen = console()
    screen.print(f"The quickstart notebook, run headless three times over one store in {out}/\n")
    chapters: list[Chapter] = []
    with error_console().status("starting a kernel") as status:

        def progress(text: str) -> None:
            status.update(f"run {len(chapters) + 1} of 3, {text}")

        for chapter in tell(found, out, progress):
            chapters.append(chapter)
            _print_chapter(screen, len(chapters), chapter, found)
    report = write_report(chapters, found, out / "report.html")
    first, again = chapters[0].run, chapters[1].run
    times = f"{duration(first.elapsed_s)} the first time, {duration(again.elapsed_s)} the second"
    screen.print(Text(f"{times}.", style="bold"))
    screen.print(f"Report: {report}", soft_wrap=True)


def _print_chapter(
    screen: Console, number: int, chapter: Chapter, found: quickstart.Quickstart
) -> None:
    part = chapter.part
    screen.print(Text(f"{number}  {part.title}", style="bold"), Text(f"· {part.lead}"))
    if part.key == "edited":
        for line in found.diff():
            style = {"-": "red", "+": "green"}.get(line[0], "dim")
            screen.print(Text(f"     {line}", style=style), soft_wrap=True)
    for line in lines(chapter.run):
        screen.print(Text(f"   {line}"), soft_wrap=True)
    screen.print()


def lines(run: RunSummary) -> list[str]:
    """What ran and why, what was reused, and how long it took."""
    reasons = reasons_by_task(run.misses)
    ran = [share for share in run.tasks if share.executed]
    reused = [share for share in run.tasks if share.reused]
    said: list[str] = []
    if ran:
        said.append(f"ran {plural(run.executed, 'call')}:")
        width = max(len(_count(share.name, share.executed)) for share in ran)
        for share in ran:
            count = _count(share.name, share.executed)
            said.append(f"  {count:<{width}}  {reasons.get(share.name, '')}".rstrip())
    else:
        said.append("ran nothing")
    if reused:
        names = ", ".join(_count(share.name, share.reused) for share in reused)
        saved = f", {duration(run.saved_s)} of work saved" if run.saved_s >= 0.001 else ""
        said.append(f"reused {plural(run.reused, 'call')}{saved}: {names}")
    elif run.reused:
        said.append(f"reused the whole result, {duration(run.saved_s)} of work saved")
    said.append(f"took {duration(run.elapsed_s)}")
    return said


def _count(name: str, count: int) -> str:
    return name if count == 1 else f"{name} ×{count}"
