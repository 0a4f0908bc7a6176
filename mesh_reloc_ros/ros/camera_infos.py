"""The camera_info that belongs to an image."""

from __future__ import annotations

import threading
from collections import deque

from sensor_msgs.msg import CameraInfo

from mesh_reloc_ros.ros.conversions import stamp_to_ns

_KEPT = 60
_LONGEST_WAIT_S = 0.05


class CameraInfos:
    """Keeps the newest, and finds the one with an image's stamp. Safe to call from any thread.

    Drivers send both with one stamp, on two topics: either may come first. Where stamps agree, the
    one that agrees is waited for, for a moment; where they never do, the newest serves.
    """

    def __init__(self) -> None:
        self._kept: deque[CameraInfo] = deque(maxlen=_KEPT)
        self._came = threading.Condition()
        self._stamps_agree = False

    def add(self, info: CameraInfo) -> None:
        """Take one that was received."""
        with self._came:
            self._kept.append(info)
            self._came.notify_all()

    def of(self, stamp_ns: int) -> CameraInfo | None:
        """Return the one that belongs to the image of a stamp, None where none has come at all."""
        with self._came:
            if self._stamps_agree or not self._kept:
                self._came.wait_for(lambda: self._with(stamp_ns) is not None, _LONGEST_WAIT_S)
            found = self._with(stamp_ns)
            self._stamps_agree = found is not None
            if found is not None or not self._kept:
                return found
            return self._kept[-1]

    def _with(self, stamp_ns: int) -> CameraInfo | None:
        # From the newest on, as a bag that loops brings the same stamps again.
        for info in reversed(self._kept):
            if stamp_to_ns(info.header.stamp) == stamp_ns:
                return info
        return None
