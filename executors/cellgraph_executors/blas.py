"""Limit the threads of BLAS and OpenMP libraries to the vCPUs of a call."""

import sys
import threading
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final


class ProcessBlasLimit:
    """The limit of a process that runs one call at a time.

    Libraries loaded later take it from the environment; those loaded already are told. A lower
    value that the user's environment says is kept.
    """

    # Read by the libraries when they are loaded.
    VARIABLES: Final = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    )

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ
        self._said = {name: environ.get(name, "") for name in self.VARIABLES}
        self._limit = 0

    def set(self, vcpus: float) -> None:
        """Apply the limit of the next call. Free when it is that of the last one."""
        limit = max(1, int(vcpus))
        if limit == self._limit:
            return
        self._limit = limit
        for name, said in self._said.items():
            lower = said.isdigit() and 0 < int(said) < limit
            self._environ[name] = said if lower else str(limit)
        if "numpy" in sys.modules:  # else no such library is loaded
            _limit_libraries(limit)


class SharedBlasLimit:
    """The limit where several calls with declared vCPUs share a process: the lowest of them, for
    as long as any runs. Calls that declare nothing change nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._before: Any = None

    @contextmanager
    def at_most(self, threads: int) -> Generator[None]:
        """Hold the libraries to *threads* while the block runs."""
        with self._lock:
            self._limits.append(threads)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._limits.remove(threads)
                self._apply()

    def _apply(self) -> None:
        if self._limits:
            limiter = _limit_libraries(min(self._limits))
            if self._before is None:
                self._before = limiter
        elif self._before is not None:
            _restore(self._before)
            self._before = None


def _limit_libraries(threads: int) -> Any:
    """Limit what is loaded now; return what can restore the limits of before."""
    import threadpoolctl  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] # it has none

    controller: Any = threadpoolctl.ThreadpoolController()
    limiter = controller.limit(limits=threads)
    _let_go(threadpoolctl)
    return limiter


def _restore(limiter: Any) -> None:
    import threadpoolctl  # pyright: ignore[reportMissingTypeStubs] # as above

    limiter.restore_original_limits()
    _let_go(threadpoolctl)


def _let_go(threadpoolctl: Any) -> None:
    """From threadpoolctl 3.8 on, the first thread that sets a limit is the only one that can,
    until it lets go: the next call may come from another thread, and the user has threads too."""
    release = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release()
