"""Images that arrive in real time, as from a camera: a slow tracker misses some."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.stress.case_result import ImageResult
from mesh_reloc_evaluation.stress.case_run import ImageTracker, RunImages, one_by_one, track_image
from mesh_reloc_evaluation.stress.stress_image import StressImage


class Clock(Protocol):
    """A clock to wait by."""

    def now(self) -> float:
        """Return the time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class WallClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def realtime(clock: Clock) -> RunImages:
    """Return a function that gives each image to the tracker when it is due.

    As in the node, the tracker takes the newest image, and another thread looks ahead. With a start
    pose, the second image is due one period after the answer to the first: the start takes longer
    and is not part of the fault.
    """

    def run(
        tracker: ImageTracker, images: list[StressImage], without_start: bool
    ) -> list[ImageResult]:
        due = _arrivals(images)
        results = [] if without_start else one_by_one(tracker, images[:1])
        begin = clock.now()
        with ThreadPoolExecutor(1) as executor:
            ahead: Future[None] | None = None
            while len(results) < len(images):
                wait = due[len(results)] - (clock.now() - begin)
                if wait > 0:
                    clock.sleep(wait)
                arrived = int(np.searchsorted(due, clock.now() - begin, side='right'))
                newest = max(arrived - 1, len(results))
                results += [_missed(image) for image in images[len(results) : newest]]
                result = track_image(tracker, images[newest])
                late_s = clock.now() - begin - float(due[newest])
                results.append(replace(result, late_s=late_s))
                if ahead is None or ahead.done():
                    ahead = executor.submit(tracker.look_ahead)
        return results

    return run


def _arrivals(images: list[StressImage]) -> NDArray[np.float64]:
    """Return when each image arrives [N], seconds after the first, by the stamps.

    An image whose stamp does not increase arrives one usual period after the one before.
    """
    stamps = np.array([image.frame.stamp_ns for image in images], dtype=np.int64)
    steps = np.diff(stamps) * 1e-9
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    return np.concatenate(([0.0], np.cumsum(np.where(steps > 0, steps, usual))))


def _missed(image: StressImage) -> ImageResult:
    return ImageResult(
        phase=image.phase,
        stamp_ns=image.frame.stamp_ns,
        state='',
        trusted=False,
        wrong=False,
        error_m=None,
        error_deg=None,
        work_s=0.0,
        missed=True,
    )
