import itertools
import threading
from collections.abc import Sequence

import pytest
from support.patience import LONG_S

from mesh_reloc_ros.ros._worker import LatestOnlyWorker


def test_only_the_newest_waits_and_the_others_are_counted():
    started, go, done = threading.Event(), threading.Event(), threading.Event()
    worked = []

    def work(item: int) -> None:
        worked.append(item)
        started.set()
        go.wait(LONG_S)
        if item == 4:
            done.set()

    worker = LatestOnlyWorker('test', work)
    worker.put(1)
    assert started.wait(LONG_S)
    for item in (2, 3, 4):
        worker.put(item)
    go.set()
    assert done.wait(LONG_S)
    assert worker.stop(LONG_S)
    assert worked == [1, 4]
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
    started, go, done = threading.Event(), threading.Event(), threading.Event()
    worked = []

    def work(item: int) -> None:
        worked.append(item)
        started.set()
        go.wait(LONG_S)
        if item == 40:
            done.set()

    def first_even(waiting: Sequence[int]) -> int:
        return next((n for n, item in enumerate(waiting) if item % 2 == 0), len(waiting) - 1)

    worker = LatestOnlyWorker('test', work, keep=4, choose=first_even)
    worker.put(1)
    assert started.wait(LONG_S)
    for item in (10, 11, 20, 21, 31, 40):
        worker.put(item)
    go.set()
    assert done.wait(LONG_S)
    assert worker.stop(LONG_S)
    # The oldest and the newest stayed, and two of those between.
    assert worked[:2] == [1, 10]
    assert worked[-1] == 40
    assert worker.finished + worker.replaced == 7


def test_those_that_wait_are_spread_evenly_in_time(monkeypatch):
    started, go, done = threading.Event(), threading.Event(), threading.Event()
    worked = []

    def work(item: int) -> None:
        worked.append(item)
        started.set()
        go.wait(LONG_S)
        if item == 60:
            done.set()

    worker = LatestOnlyWorker('test', work, keep=5, choose=lambda waiting: 0)
    worker.put(-1)
    assert started.wait(LONG_S)
    for item in range(61):
        monkeypatch.setattr('mesh_reloc_ros.ros._worker.time.monotonic', lambda at=item: float(at))
        worker.put(item)
    monkeypatch.undo()
    go.set()
    assert done.wait(LONG_S)
    assert worker.stop(LONG_S)
    waited = worked[1:]
    assert waited[0] == 0
    assert waited[-1] == 60
    assert len(waited) == 5
    assert max(after - before for before, after in itertools.pairwise(waited)) <= 30
