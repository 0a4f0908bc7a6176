"""Which camera_info belongs to which image: one rule for the node and for recordings."""

from __future__ import annotations

from typing import Any

from mesh_reloc_ros.messages.stamps import stamp_to_ns

_CAPACITY = 300


class CameraInfoBuffer:
    """Keeps recent camera_info messages by stamp.

    Drivers send an image and its camera_info with one stamp, on two topics: either may come first.
    An image goes with the camera_info of its own stamp; if there is none, with the newest at hand.
    """

    def __init__(self) -> None:
        self.newest: Any = None
        """The message that was added last, `sensor_msgs/CameraInfo`; None if there is none."""
        self._by_stamp: dict[int, Any] = {}

    def add(self, info: Any) -> None:
        """Add a message. If a recording plays again, the later of two with one stamp counts."""
        stamp_ns = stamp_to_ns(info.header.stamp)
        self._by_stamp.pop(stamp_ns, None)
        self._by_stamp[stamp_ns] = self.newest = info
        if len(self._by_stamp) > _CAPACITY:
            del self._by_stamp[next(iter(self._by_stamp))]

    def at(self, stamp_ns: int) -> Any:
        """Return the message of an image's stamp; None if it has not come."""
        return self._by_stamp.get(stamp_ns)

    def clear(self) -> None:
        """Forget the stamps after a jump back: a recording may have other cameras at the same."""
        self._by_stamp.clear()
