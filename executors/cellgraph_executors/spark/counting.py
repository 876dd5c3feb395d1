"""How far Spark has come with a call, by its own status tracker."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from cellgraph.inside import Progress

EVERY_S: Final = 1.0


class Counting:
    """A thread that looks once a second, until `end`. *tracker*: Spark's `StatusTracker`."""

    def __init__(
        self,
        tracker: Any,
        group: str,
        hear: Callable[[Progress], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._tracker = tracker
        self._group = group
        self._hear = hear
        self._every_s = every_s
        self._over = threading.Event()
        self._last = Progress(0, 0, "")
        self._thread = threading.Thread(target=self._run, name="cellgraph-spark-count", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more. Nothing is told after it returns. Safe to call twice."""
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(self._every_s):
                now = progress_of(self._tracker, self._group)
                if now != self._last and now.total:
                    self._last = now
                    self._hear(now)
        except Exception:  # the session is being stopped: the call says so itself
            return
        finally:
            leave_java()


def leave_java() -> None:
    """Close this thread's connection to Java: pyspark opens one for each, and keeps it."""
    with suppress(Exception):  # Java may have ended; another version has another way
        from pyspark.util import InheritableThread

        thread: Any = InheritableThread
        thread._clean_py4j_conn_for_current_thread()


def progress_of(tracker: Any, group: str) -> Progress:
    """The tasks of all stages so far. A later job of the call adds to both numbers."""
    done = total = stages = running = 0
    seen: set[int] = set()
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        if info is None:  # forgotten
            continue
        for stage in info.stageIds:
            about = None if stage in seen else tracker.getStageInfo(stage)
            seen.add(stage)
            if about is None:  # forgotten, or skipped: its output is there from an earlier job
                continue
            if info.status != "RUNNING" and not about.numCompletedTasks:
                continue  # skipped as well
            stages += 1
            done += about.numCompletedTasks
            total += about.numTasks
            running += about.numActiveTasks
    text = f"stage {stages}, {running} running" if running else f"stage {stages}"
    return Progress(done, total, f"{done} of {total} Spark tasks, {text}")
