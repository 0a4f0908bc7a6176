"""Where the camera was at which time: a recording that plays again shows the same places."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_APART_NS = 100_000_000
"""Between poses that are kept; one that is as near as this serves."""
_MOST = 36_000
"""An hour of poses."""


class PoseHistory:
    """Trusted poses by the stamps of their images."""

    def __init__(self) -> None:
        self._stamps: list[int] = []
        self._poses: list[Array] = []

    def add(self, stamp_ns: int, map_T_camera: Array) -> None:
        """Take a trusted pose [4, 4]."""
        place = bisect_left(self._stamps, stamp_ns)
        around = self._stamps[max(place - 1, 0) : place + 1]
        if any(abs(stamp - stamp_ns) < _APART_NS for stamp in around):
            return
        self._stamps.insert(place, stamp_ns)
        self._poses.insert(place, map_T_camera)
        if len(self._stamps) > _MOST:
            # Who plays a longer recording has it searched for at the beginning.
            del self._stamps[0], self._poses[0]

    def at(self, stamp_ns: int) -> Array | None:
        """Return a pose [4, 4] of about that time; None where none is known, as of what is new."""
        if not self._stamps or stamp_ns > self._stamps[-1]:
            return None
        place = bisect_left(self._stamps, stamp_ns)
        near = range(max(place - 1, 0), min(place + 1, len(self._stamps)))
        best = min(near, key=lambda index: abs(self._stamps[index] - stamp_ns), default=None)
        if best is None or abs(self._stamps[best] - stamp_ns) > _APART_NS:
            return None
        return self._poses[best]
