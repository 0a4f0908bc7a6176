"""A thread of its own that works on what it is given, and leaves out what it has no time for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')


def newest(waiting: Sequence[Any]) -> int:
    """Choose the newest."""
    return len(waiting) - 1


class LatestOnlyWorker(Generic[Item]):
    """Works on one item after the other; of what is given meanwhile the newest waits, or a few."""

    def __init__(
        self,
        name: str,
        work: Callable[[Item], None],
        on_failure: Callable[[Exception], None],
        niceness: int = 0,
        keep: int = 1,
        choose: Callable[[Sequence[Item]], int] = newest,
    ) -> None:
        """Start the thread.

        :param work: called with each item, on the thread.
        :param on_failure: called once with what `work` raised, on the thread, which then ends.
        :param niceness: how far the thread stands back for others (Linux), 0 to 19.
        :param keep: most items that wait; where there are more, every other one goes.
        :param choose: gives the index of the next item among those that wait, in their order; those
            before it go.
        """
        self.finished = 0
        """Number of items that were worked on."""
        self.replaced = 0
        """Number of items that newer ones took the place of."""
        self._work = work
        self._on_failure = on_failure
        self._niceness = niceness
        self._keep = keep
        self._choose = choose
        self._waiting: list[Item] = []
        self._stopped = False
        self._changed = threading.Condition()
        # A daemon, so that one endless piece of work cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Give it an item, in place of one that is waiting where there are too many."""
        with self._changed:
            self._waiting.append(item)
            count = len(self._waiting)
            if count > self._keep:
                self._waiting = self._waiting[1::2] if count % 2 == 0 else self._waiting[::2]
            self.replaced += count - len(self._waiting)
            self._changed.notify()

    def stop(self, timeout_s: float) -> bool:
        """End the thread after the item in work; return False if that takes longer than allowed."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._niceness:
            # Where that is not allowed it runs as any other.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        try:
            while (item := self._take()) is not None:
                self._work(item)
                self.finished += 1
        except Exception as error:
            self._on_failure(error)

    def _take(self) -> Item | None:
        """Return the next item; None when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or bool(self._waiting))
            if self._stopped:
                return None
            chosen = self._choose(self._waiting)
            item, self._waiting = self._waiting[chosen], self._waiting[chosen + 1 :]
            self.replaced += chosen
            return item
