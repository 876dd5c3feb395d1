"""Rules of the whole session: what is long comes first, and in CI a skipped test is a failure."""

import gc
import os
from pathlib import Path

import pytest

from cellgraph.identity.remembered import REMEMBERED


def pytest_configure() -> None:
    """Remember nothing: tests make the code that names things say what is wrong."""
    REMEMBERED.open(Path(os.devnull, "none"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have a test marked `first`."""
    long = {item.path for item in items if item.get_closest_marker("first")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Thousands of collected tests and imported modules stay: no collection of garbage needs to
    look at them again (IPython collects at the end of each shell)."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI=true, turn a session in which anything was skipped into a failed one."""
    if _in_ci() and exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name each skipped test and its reason, so that a red session explains itself."""
    skipped = _skipped(config)
    if not (_in_ci() and skipped):
        return
    terminalreporter.section("skipped in CI, which is a failure", red=True)
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {_reason(report)}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true")


def _skipped(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, pytest.TerminalReporter):
        return []
    return list(reporter.stats.get("skipped", ()))


def _reason(report: pytest.TestReport) -> str:
    match report.longrepr:
        case (str(), int(), str(reason)):
            return reason
        case other:
            return str(other)
