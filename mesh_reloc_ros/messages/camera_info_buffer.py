"""Pairs images with camera_info messages, in the node and in recordings."""

from __future__ import annotations

import threading
import time
from typing import Any

from mesh_reloc_ros.messages.stamps import stamp_to_ns

_CAPACITY = 300
_ATTEMPTS = 3
"""Timeouts in a row after which images no longer wait: a lost message does not end the waiting."""


class CameraInfoBuffer:
    """Keeps recent camera_info messages by stamp. Safe to call from any thread.

    Drivers send an image and its camera_info with one stamp, on two topics: either may come first.
    An image goes with the camera_info of its own stamp; if there is none, with the newest at hand.
    Live, an image waits for a moment for the message of its stamp, as long as stamps match.
    """

    def __init__(self, timeout_s: float = 0.05) -> None:
        """Start empty.

        :param timeout_s: how long `wait_for` and `has_any` wait.
        """
        self.newest: Any = None
        """The message that was added last, `sensor_msgs/CameraInfo`; None if there is none."""
        self._timeout_s = timeout_s
        self._by_stamp: dict[int, Any] = {}
        self._came = threading.Condition()
        self._attempts = 0
        # The last image whose camera_info did not come in time, and when it was asked for.
        self._missed_ns, self._missed = -1, 0.0

    def add(self, info: Any) -> None:
        """Add a message. If a recording plays again, the later of two with one stamp counts."""
        stamp_ns = stamp_to_ns(info.header.stamp)
        with self._came:
            self._by_stamp.pop(stamp_ns, None)
            self._by_stamp[stamp_ns] = self.newest = info
            if len(self._by_stamp) > _CAPACITY:
                del self._by_stamp[next(iter(self._by_stamp))]
            is_in_time = time.monotonic() - self._missed <= self._timeout_s
            if is_in_time and stamp_ns == self._missed_ns:
                # It would have been waited for.
                self._attempts = _ATTEMPTS
            self._came.notify_all()

    def at(self, stamp_ns: int) -> Any:
        """Return the message of an image's stamp; None if it has not come."""
        with self._came:
            return self._by_stamp.get(stamp_ns)

    def has_any(self) -> bool:
        """Return whether a message has come, after a moment in which the first may come."""
        with self._came:
            return self._came.wait_for(lambda: self.newest is not None, self._timeout_s)

    def wait_for(self, stamp_ns: int) -> Any:
        """Return the message of an image's stamp, after a moment, or else the newest."""
        with self._came:
            self._missed = time.monotonic()
            if self._attempts or self.newest is None:
                self._came.wait_for(lambda: stamp_ns in self._by_stamp, self._timeout_s)
            if stamp_ns in self._by_stamp:
                self._attempts = _ATTEMPTS
                return self._by_stamp[stamp_ns]
            self._attempts = max(self._attempts - 1, 0)
            self._missed_ns = stamp_ns
            return self.newest

    def jump_back(self, before_ns: int) -> None:
        """Forget what came before a jump back: a recording may have other cameras at one stamp.

        The newest message is still used for images without a matching one.

        :param before_ns: stamp of the last image before the jump.
        """
        with self._came:
            kept: dict[int, Any] = {}
            limit_ns = before_ns
            # Those since the jump are the last ones, in ascending order.
            for stamp_ns, info in reversed(self._by_stamp.items()):
                if stamp_ns >= limit_ns:
                    break
                kept[stamp_ns], limit_ns = info, stamp_ns
            self._by_stamp = dict(reversed(kept.items()))
