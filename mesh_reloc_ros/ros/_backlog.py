"""Which image comes next where images wait, because they take longer than their interval."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.ros._image_source import AnyImage
from mesh_reloc_ros.ros._worker import newest

# Images that have waited for longer are passed over.
_MAX_AGE_S = 3.0
# The step from image to image: at least, at most, and relative to the time that one of the last
# images took, so that the backlog shrinks.
_LEAST_STEP_S, _MOST_STEP_S, _CATCH_UP, _LAST = 0.06, 0.4, 1.2, 5


class Arrival(NamedTuple):
    """An image that was received."""

    message: AnyImage
    time_s: float
    """When it was received, by the monotonic clock."""


class Backlog:
    """Follows images that wait in steps to the newest.

    While an image takes long the camera moves far, so that the next one would take long, too, or be
    beyond reach. A few steps to the newest image take less.
    """

    def __init__(self) -> None:
        self._work_s: deque[float] = deque([0.0], maxlen=_LAST)

    def note(self, work_s: float) -> None:
        """Take note of how long an image took."""
        self._work_s.append(work_s)

    def choose(self, waiting: Sequence[Arrival], tracked_ns: int | None) -> int:
        """Return the index of the next image.

        :param tracked_ns: stamp of the last image, which the next one is to follow; None: the
            newest is best, as its pose is unknown, or given for now.
        """
        if tracked_ns is not None:
            step_s = min(max(_LEAST_STEP_S, _CATCH_UP * median(self._work_s)), _MOST_STEP_S)
            now = time.monotonic()
            for index, (message, arrived) in enumerate(waiting):
                is_a_step = stamp_to_ns(message.header.stamp) >= tracked_ns + step_s * 1e9
                if is_a_step and now - arrived <= _MAX_AGE_S:
                    return index
        return newest(waiting)
