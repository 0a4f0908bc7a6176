"""Wall time by named stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the wall time of stages; the same stage may run several times."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body of a `with` statement."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - start

    def milliseconds(self) -> dict[str, float]:
        """Return the time of each stage so far, and `total` since this stopwatch was made."""
        stages = {name: 1e3 * seconds for name, seconds in self._stages.items()}
        return {**stages, 'total': 1e3 * (time.perf_counter() - self._start)}
