"""A thread of its own that works on the newest of what it is given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar('Item')


class LatestWorker(Generic[Item]):
    """Works on one item after the other; what is given meanwhile waits, the newest alone."""

    def __init__(
        self,
        name: str,
        work: Callable[[Item], None],
        on_failure: Callable[[Exception], None],
        niceness: int = 0,
    ) -> None:
        """Start the thread.

        :param work: called with each item, on the thread.
        :param on_failure: called once with what `work` raised, on the thread, which then ends.
        :param niceness: how far the thread stands back for others (Linux), 0 to 19.
        """
        self.replaced = 0
        """Number of items that a newer one took the place of."""
        self._work = work
        self._on_failure = on_failure
        self._niceness = niceness
        self._waiting: Item | None = None
        self._stopped = False
        self._changed = threading.Condition()
        # A daemon, so that one endless piece of work cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Give it an item, in place of the one that is waiting."""
        with self._changed:
            self.replaced += self._waiting is not None
            self._waiting = item
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
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        try:
            while (item := self._take()) is not None:
                self._work(item)
        except Exception as error:
            self._on_failure(error)

    def _take(self) -> Item | None:
        """Return the next item; None when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting is not None)
            item, self._waiting = self._waiting, None
            return None if self._stopped else item
