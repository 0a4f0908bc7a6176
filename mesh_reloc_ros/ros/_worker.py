"""A thread that works on the newest of what it is given."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')


def newest(waiting: Sequence[Any]) -> int:
    """Choose the newest item."""
    return len(waiting) - 1


class LatestOnlyWorker(Generic[Item]):
    """Works on one item at a time, on a thread. Items that it has no time for are dropped."""

    def __init__(
        self,
        name: str,
        work: Callable[[Item], object],
        niceness: int = 0,
        keep: int = 1,
        choose: Callable[[Sequence[Item]], int] = newest,
    ) -> None:
        """Start the thread.

        :param work: called with each item, on the thread.
        :param niceness: how far the thread gives way to others (Linux), 0 to 19.
        :param keep: most items that wait; if there are more, one is dropped so that the others are
            evenly spread in time, the oldest and the newest among them.
        :param choose: returns the index of the next item among those that wait, in their order;
            those before it are dropped.
        """
        self.result: Future[None] = Future()
        """Done when the thread has ended; holds what `work` raised, which ends it."""
        self.finished = 0
        """Number of items that were worked on."""
        self.replaced = 0
        """Number of items that were dropped."""
        self._work = work
        self._niceness = niceness
        self._keep = keep
        self._choose = choose
        self._waiting: list[Item] = []
        self._arrived: list[float] = []
        self._stopped = False
        self._changed = threading.Condition()
        # A daemon, so that endless work cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Add an item, and drop another if too many wait."""
        with self._changed:
            self._waiting.append(item)
            self._arrived.append(time.monotonic())
            if len(self._waiting) > self._keep:
                dropped = _most_crowded(self._arrived)
                del self._waiting[dropped], self._arrived[dropped]
                self.replaced += 1
            self._changed.notify()

    def stop(self, timeout_s: float) -> bool:
        """End the thread after the current item; return False if that exceeds the timeout."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._niceness:
            # Not every system allows it.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        try:
            while (item := self._take()) is not None:
                self._work(item)
                self.finished += 1
        except Exception as error:
            self.result.set_exception(error)
        else:
            self.result.set_result(None)

    def _take(self) -> Item | None:
        """Return the next item; None when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or bool(self._waiting))
            if self._stopped:
                return None
            chosen = self._choose(self._waiting)
            item = self._waiting[chosen]
            del self._waiting[: chosen + 1], self._arrived[: chosen + 1]
            self.replaced += chosen
            return item


def _most_crowded(times: Sequence[float]) -> int:
    """Return the index of the time whose neighbours are nearest to each other; of two, the first.

    :param times: ascending, at least two.
    """
    gaps = [after - before for before, after in zip(times, times[2:], strict=False)]
    return 1 + gaps.index(min(gaps)) if gaps else 0
