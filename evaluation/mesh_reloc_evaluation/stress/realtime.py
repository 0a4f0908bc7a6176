"""Images shown to a tracker at their own rate, as a camera would: who is late misses some."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.stress.footage import Shown
from mesh_reloc_evaluation.stress.judge import Judged, Show, TracksImages, judged, one_by_one


class Clock(Protocol):
    """Time that passes."""

    def now(self) -> float:
        """Return the time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def at_their_rate(clock: Clock) -> Show:
    """Return what shows each image when it is due.

    As in the node, the newest image alone is looked at, and a thread of its own looks ahead. Where
    there is a start pose, the second image comes a period after the first is answered: a start
    takes longer than an image, and is no part of the fault.
    """

    def show(tracker: TracksImages, shown: list[Shown], from_nothing: bool) -> list[Judged]:
        due = _arrivals(shown)
        answers: list[Judged] = []
        if not from_nothing:
            answers += one_by_one(tracker, shown[:1])
        begin = clock.now()
        with ThreadPoolExecutor(1) as beside:
            ahead: Future[None] | None = None
            while len(answers) < len(shown):
                wait = due[len(answers)] - (clock.now() - begin)
                if wait > 0:
                    clock.sleep(wait)
                arrived = int(np.searchsorted(due, clock.now() - begin, side='right'))
                newest = max(arrived - 1, len(answers))
                answers += [_missed(item) for item in shown[len(answers) : newest]]
                answer = judged(tracker, shown[newest])
                late_s = clock.now() - begin - float(due[newest])
                answers.append(replace(answer, late_s=late_s))
                if ahead is None or ahead.done():
                    ahead = beside.submit(tracker.look_ahead)
        return answers

    return show


def _arrivals(shown: list[Shown]) -> NDArray[np.float64]:
    """Return when each image comes [N], seconds after the first.

    Stamps say so; where they stand still or go back, an image follows as soon as usual.
    """
    stamps = np.array([item.frame.stamp_ns for item in shown], dtype=np.int64)
    steps = np.diff(stamps) * 1e-9
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    return np.concatenate(([0.0], np.cumsum(np.where(steps > 0, steps, usual))))


def _missed(item: Shown) -> Judged:
    return Judged(
        item.part, item.frame.stamp_ns, '', False, False, None, None, work_s=0.0, missed=True
    )
