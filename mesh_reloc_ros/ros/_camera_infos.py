"""The camera_info of a live image: as `CameraInfoBuffer` finds it, which may take a moment."""

from __future__ import annotations

import threading
import time

from sensor_msgs.msg import CameraInfo

from mesh_reloc_ros.messages.camera_info_buffer import CameraInfoBuffer
from mesh_reloc_ros.messages.stamps import stamp_to_ns

_ATTEMPTS = 3
"""Timeouts in a row after which images no longer wait: a lost message does not end the waiting."""


class CameraInfos:
    """Waits for the camera_info of an image while stamps match. Safe to call from any thread."""

    def __init__(self, timeout_s: float = 0.05) -> None:
        """Start empty.

        :param timeout_s: how long an image waits for its camera_info.
        """
        self._timeout_s = timeout_s
        self._buffer = CameraInfoBuffer()
        self._came = threading.Condition()
        self._attempts = 0
        # The last image whose camera_info did not come in time, and when it was asked for.
        self._missed_ns, self._missed = -1, 0.0

    def add(self, info: CameraInfo) -> None:
        """Take a message that was received."""
        with self._came:
            self._buffer.add(info)
            is_in_time = time.monotonic() - self._missed <= self._timeout_s
            if is_in_time and stamp_to_ns(info.header.stamp) == self._missed_ns:
                # It would have been waited for.
                self._attempts = _ATTEMPTS
            self._came.notify_all()

    def has_any(self) -> bool:
        """Return whether a message has come, after a moment in which the first may come."""
        with self._came:
            return self._came.wait_for(lambda: self._buffer.newest is not None, self._timeout_s)

    def of(self, stamp_ns: int) -> CameraInfo | None:
        """Return the camera_info of an image's stamp, or else the newest; None without any."""
        with self._came:
            self._missed = time.monotonic()
            if self._attempts or self._buffer.newest is None:
                self._came.wait_for(lambda: self._buffer.at(stamp_ns) is not None, self._timeout_s)
            found = self._buffer.at(stamp_ns)
            if found is not None:
                self._attempts = _ATTEMPTS
                return found
            self._attempts = max(self._attempts - 1, 0)
            self._missed_ns = stamp_ns
            return self._buffer.newest

    def clear(self) -> None:
        """Forget the stamps after a jump back; the newest message still serves."""
        with self._came:
            self._buffer.clear()
