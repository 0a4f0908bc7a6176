import itertools
import threading
from collections.abc import Sequence

import pytest
from support.patience import LONG_S

from mesh_reloc_ros.ros._worker import LatestOnlyWorker


class Held:
    """Work that waits for `go`, and ends with a last item."""

    def __init__(self, last: int) -> None:
        self.items: list[int] = []
        self._last = last
        self._started, self._go, self._done = (threading.Event() for _ in range(3))

    def __call__(self, item: int) -> None:
        self.items.append(item)
        self._started.set()
        self._go.wait(LONG_S)
        if item == self._last:
            self._done.set()

    def begin(self, worker: LatestOnlyWorker[int], item: int) -> None:
        """Give the worker an item, and wait until it works on it."""
        worker.put(item)
        assert self._started.wait(LONG_S)

    def end(self, worker: LatestOnlyWorker[int]) -> None:
        """Go on until the last item is done, and stop the worker."""
        self._go.set()
        assert self._done.wait(LONG_S)
        assert worker.stop(LONG_S)


def test_only_the_newest_waits_and_the_others_are_counted():
    work = Held(last=4)
    worker = LatestOnlyWorker('test', work)
    work.begin(worker, 1)
    for item in (2, 3, 4):
        worker.put(item)
    work.end(worker)
    assert work.items == [1, 4]
    assert worker.finished == 2
    assert worker.replaced == 2


def test_the_result_holds_what_was_raised_and_the_thread_has_ended():
    def work(_: int) -> None:
        raise RuntimeError('out of memory')

    worker = LatestOnlyWorker('test', work)
    assert not worker.result.done()
    worker.put(1)
    with pytest.raises(RuntimeError, match='out of memory'):
        worker.result.result(LONG_S)
    assert worker.stop(LONG_S)


def test_the_result_of_a_stopped_thread_is_no_failure():
    worker = LatestOnlyWorker('test', print)
    assert worker.stop(LONG_S)
    assert worker.result.result(LONG_S) is None


def test_stopping_does_not_wait_for_endless_work():
    started, go = threading.Event(), threading.Event()

    def work(_: int) -> None:
        started.set()
        go.wait(LONG_S)

    worker = LatestOnlyWorker('test', work)
    worker.put(1)
    assert started.wait(LONG_S)
    assert not worker.stop(timeout_s=0.05)
    go.set()
    assert worker.stop(LONG_S)


def test_of_several_that_wait_one_is_chosen_and_those_before_it_go():
    def first_even(waiting: Sequence[int]) -> int:
        return next((n for n, item in enumerate(waiting) if item % 2 == 0), len(waiting) - 1)

    work = Held(last=40)
    worker = LatestOnlyWorker('test', work, keep=4, choose=first_even)
    work.begin(worker, 1)
    for item in (10, 11, 20, 21, 31, 40):
        worker.put(item)
    work.end(worker)
    # The oldest and the newest stayed, and two of those between.
    assert work.items[:2] == [1, 10]
    assert work.items[-1] == 40
    assert worker.finished + worker.replaced == 7


def test_those_that_wait_are_spread_evenly_in_time(monkeypatch):
    work = Held(last=60)
    worker = LatestOnlyWorker('test', work, keep=5, choose=lambda waiting: 0)
    work.begin(worker, -1)
    for item in range(61):
        monkeypatch.setattr('mesh_reloc_ros.ros._worker.time.monotonic', lambda at=item: float(at))
        worker.put(item)
    monkeypatch.undo()
    work.end(worker)
    waited = work.items[1:]
    assert waited[0] == 0
    assert waited[-1] == 60
    assert len(waited) == 5
    assert max(after - before for before, after in itertools.pairwise(waited)) <= 30
