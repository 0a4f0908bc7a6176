"""Wall time by stage, measured by whichever stopwatch is running in the current context."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType

_running: ContextVar[Stopwatch | None] = ContextVar('stopwatch', default=None)
_UNTIMED = nullcontext()


class Stopwatch:
    """Runs within a `with` statement and adds up the wall time of the stages entered there.

    A stage may run several times. Stages do not nest: time within a stage counts for that stage
    only. A new thread has no running stopwatch.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}
        self._token: Token[Stopwatch | None] | None = None

    def __enter__(self) -> Stopwatch:
        self._token = _running.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _running.reset(self._token)

    def milliseconds(self) -> dict[str, float]:
        """Return the time of each stage so far, and `total` since this stopwatch was made."""
        stages = {name: 1e3 * seconds for name, seconds in self._stages.items()}
        return {**stages, 'total': 1e3 * (time.perf_counter() - self._start)}

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        token, start = _running.set(None), time.perf_counter()
        try:
            yield
        finally:
            _running.reset(token)
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - start


def stage(name: str) -> AbstractContextManager[None]:
    """Time the body of a `with` statement, if a stopwatch is running."""
    stopwatch = _running.get()
    return _UNTIMED if stopwatch is None else stopwatch._timed(name)
