"""Looking for a camera of which nothing is known, at once or beside the tracking."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.relocalize.relocalizer import Localization, Relocalizer
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

# An image whose coarse view [rows, columns] varies by less, in grey levels, shows nothing.
_COARSE, _FLAT = (30, 40), 3.0
# Images kept while one is looked at; where there are more, every other of them.
_MAX_KEPT = 16


@dataclass(frozen=True)
class Found:
    """An image that was located, and the images that have come since."""

    frame: Frame
    localization: Localization
    since: list[Frame]
    """In order, without the newest; thinned if they were many."""


class Search:
    """Has the relocalizer look at an image now and then, until the tracker needs it no more."""

    def __init__(self, relocalizer: Relocalizer, background: bool) -> None:
        """Look at images at once, within `offer`, or in the `background` on a thread."""
        self._relocalizer = relocalizer
        self._background = background
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._result: tuple[Localization | None, Exception | None] | None = None
        self._number = 0
        self.reset()

    def reset(self, hint_first: bool = False) -> None:
        """Forget the past, and what is being looked at.

        :param hint_first: begin around the hint; else with the whole map.
        """
        with self._lock:
            # What the thread brings for another number is not wanted.
            self._number += 1
            self._result = None
        self._at_hint = hint_first
        self._last_ns: int | None = None
        self._frame: Frame | None = None
        self._since: list[Frame] = []
        self._passed, self._stride = 0, 1

    def offer(self, frame: Frame, hint: InitialPose | None, period_s: float) -> Found | None:
        """Take note of an image without a pose; return what has been found, if anything.

        The whole map and the hint's neighbourhood take turns.

        :param hint: near which the camera may be.
        :param period_s: shortest time from one image that is looked at to the next, by stamps.
        :raises Exception: whatever the relocalizer raised.
        """
        found = self._collected()
        if found is not None:
            return found
        if self._frame is not None:
            self._keep(frame)
            return None
        if not self._is_due(frame, period_s):
            return None
        around = hint if self._at_hint else None
        self._at_hint = not self._at_hint
        self._last_ns = frame.stamp_ns
        if self._background:
            self._start(frame, around)
            return None
        localization = self._located(frame, around)
        return None if localization is None else Found(frame, localization, [])

    def close(self, timeout_s: float = 5.0) -> bool:
        """End the search; return False if the image in work takes longer than allowed."""
        self.reset()
        thread = self._thread
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _is_due(self, frame: Frame, period_s: float) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        passed_ns = None if self._last_ns is None else frame.stamp_ns - self._last_ns
        # Time that has gone back says nothing of how long it was.
        waits = passed_ns is not None and 0 <= passed_ns < period_s * 1e9
        return not waits and shows_something(frame.image)

    def _located(self, frame: Frame, hint: InitialPose | None) -> Localization | None:
        return self._relocalizer.locate(frame, hint)

    def _start(self, frame: Frame, hint: InitialPose | None) -> None:
        self._frame, self._since, self._passed, self._stride = frame, [], 0, 1
        # A daemon, so that an endless search cannot keep the process alive.
        self._thread = threading.Thread(
            target=self._locate, args=(frame, hint, self._number), name='search', daemon=True
        )
        self._thread.start()

    def _locate(self, frame: Frame, hint: InitialPose | None, number: int) -> None:
        """Look at an image, on the thread."""
        localization, failure = None, None
        try:
            localization = self._located(frame, hint)
        except Exception as error:
            failure = error
        with self._lock:
            if number == self._number:
                self._result = localization, failure

    def _collected(self) -> Found | None:
        """Return what the thread has found, if it is done and has found something."""
        with self._lock:
            result, self._result = self._result, None
        if result is None or self._frame is None:
            return None
        frame, since = self._frame, self._since
        self._frame, self._since = None, []
        localization, failure = result
        if failure is not None:
            raise failure
        return None if localization is None else Found(frame, localization, since)

    def _keep(self, frame: Frame) -> None:
        self._passed += 1
        if self._passed % self._stride:
            return
        self._since.append(frame)
        if len(self._since) > _MAX_KEPT:
            self._since = self._since[1::2]
            self._stride *= 2


def shows_something(image: NDArray[np.uint8]) -> bool:
    """Whether an image [H, W, 3] is more than one even colour, noise apart."""
    coarse = cv2.resize(image, _COARSE[::-1], interpolation=cv2.INTER_AREA)
    return bool(coarse.astype(np.float32).std((0, 1)).max() > _FLAT)
