"""The camera_info that belongs to an image."""

from __future__ import annotations

import threading
import time
from collections import deque

from sensor_msgs.msg import CameraInfo

from mesh_reloc_ros.messages.stamps import stamp_to_ns

_KEPT = 60
_LONGEST_WAIT_S = 0.05
_BACK_NS = 1_000_000_000
"""Stamps that go back by more than this are of a time that began anew."""
_MOST_WAITS = 3
"""In vain, one after the other: what is lost now and then does not end the waiting."""


class CameraInfos:
    """Keeps the newest, and finds the one with an image's stamp. Safe to call from any thread.

    Drivers send both with one stamp, on two topics: either may come first. Where stamps agree, the
    one that agrees is waited for, for a moment; where they do not, the newest serves.
    """

    def __init__(self) -> None:
        self._kept: deque[CameraInfo] = deque(maxlen=_KEPT)
        self._newest: CameraInfo | None = None
        self._came = threading.Condition()
        self._waits = 0
        # The image that was not waited for, and when it came.
        self._missed_ns, self._missed = -1, 0.0

    def add(self, info: CameraInfo) -> None:
        """Take one that was received."""
        with self._came:
            self._forget_after(stamp_to_ns(info.header.stamp))
            self._kept.append(info)
            self._newest = info
            is_in_time = time.monotonic() - self._missed <= _LONGEST_WAIT_S
            if is_in_time and stamp_to_ns(info.header.stamp) == self._missed_ns:
                self._waits = _MOST_WAITS
            self._came.notify_all()

    def of(self, stamp_ns: int) -> CameraInfo | None:
        """Return the one that belongs to the image of a stamp, None where none has come at all."""
        with self._came:
            self._missed = time.monotonic()
            self._forget_after(stamp_ns)
            if self._waits or self._newest is None:
                self._came.wait_for(lambda: self._with(stamp_ns) is not None, _LONGEST_WAIT_S)
            found = self._with(stamp_ns)
            if found is not None:
                self._waits = _MOST_WAITS
                return found
            self._waits = max(self._waits - 1, 0)
            self._missed_ns = stamp_ns
            return self._newest

    def _forget_after(self, stamp_ns: int) -> None:
        # What a recording had at the same stamps when it was played before may have been another.
        if self._kept and stamp_to_ns(self._kept[-1].header.stamp) > stamp_ns + _BACK_NS:
            self._kept.clear()

    def _with(self, stamp_ns: int) -> CameraInfo | None:
        # From the newest on, as a bag that loops brings the same stamps again.
        for info in reversed(self._kept):
            if stamp_to_ns(info.header.stamp) == stamp_ns:
                return info
        return None
