"""The camera in the odometry frame at the stamp of an image, from TF."""

from __future__ import annotations

import math
import threading
import time

from geometry_msgs.msg import Transform
from rclpy.node import Node
from rclpy.time import Time
from tf2_ros import Buffer, ExtrapolationException, TransformException, TransformListener

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.poses import pose_from_transform
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.timeline import is_leftover
from mesh_reloc_ros.types import Array

_POLL_S = 0.002
# If odometry is older than this, lookups do not wait for as long: poses must not be late, too.
_OUTAGE_S = 1.0
# After the start, publishers may not have been found yet.
_DISCOVERY_S = 2.0
# Less than TF keeps.
_KEPT_S = 9.0


class Odometry:
    """Looks up `odom_frame` -> camera, with a bounded wait. Use it from one thread."""

    def __init__(self, node: Node, odom_frame: str) -> None:
        """Subscribe to TF, on the executor of `node`."""
        self.problem = ''
        """Why the last lookup failed, one line; '' if it did not."""
        self._odom_frame = odom_frame
        # With a node the buffer would offer a service, and clear itself when the clock jumps: a
        # bag that loops may be played without a clock.
        self._buffer = Buffer()
        self._listener = TransformListener(self._buffer, node)
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._no_wait_until = 0.0
        self._before_ns, self._jumped = 0, -math.inf

    def at(self, camera_frame: str, stamp_ns: int, timeout_s: float) -> Array | None:
        """Return `odom_T_camera` [4, 4] at a stamp; None if TF does not have it in time."""
        began = time.monotonic()
        deadline = began + (timeout_s if began >= self._no_wait_until else 0.0)
        while True:
            if self._has_leftover(camera_frame, stamp_ns):
                self._buffer.clear()
            try:
                found = self._buffer.lookup_transform(
                    self._odom_frame, camera_frame, Time(nanoseconds=stamp_ns)
                )
            except TransformException as error:
                failure = error
            else:
                return self._taken(found.transform)
            now = time.monotonic()
            if now >= deadline:
                break
            if self._stopped.wait(min(_POLL_S, deadline - now)):
                return None
        newest_ns = self._newest_ns(camera_frame)
        if deadline > began and newest_ns < stamp_ns - _OUTAGE_S * 1e9:
            self._no_wait_until = time.monotonic() + _OUTAGE_S
        self.problem = self._explained(failure, camera_frame, stamp_ns, newest_ns)
        return None

    def newest_ns(self, parent: str, child: str) -> int | None:
        """Return the newest stamp of parent -> child; 0 if it is static, None if not connected."""
        try:
            return stamp_to_ns(self._buffer.lookup_transform(parent, child, Time()).header.stamp)
        except TransformException:
            return None

    def between(self, parent: str, child: str, stamp_ns: int | None) -> Array | None:
        """Return parent_T_child [4, 4] at a stamp, by default the newest; None if TF has none.

        :raises InputError: it is not finite.
        """
        at = Time() if stamp_ns is None else Time(nanoseconds=stamp_ns)
        try:
            found = self._buffer.lookup_transform(parent, child, at)
        except TransformException:
            return None
        return pose_from_transform(found.transform)

    def clear(self, before_ns: int) -> None:
        """Forget the transforms of before a jump back: TF would reject new ones as outdated.

        :param before_ns: stamp of the last image before the jump.
        """
        self._before_ns, self._jumped = before_ns, time.monotonic()
        self._buffer.clear()

    def stop(self) -> None:
        """Unsubscribe, and end a wait."""
        self._stopped.set()
        self._listener.unregister()

    def _has_leftover(self, camera_frame: str, stamp_ns: int) -> bool:
        """Whether a transform of before a jump back has arrived since the buffer was cleared.

        Lookups would interpolate between the two times.
        """
        passed_s = time.monotonic() - self._jumped
        return is_leftover(self._newest_ns(camera_frame), self._before_ns, stamp_ns, passed_s)

    def _taken(self, transform: Transform) -> Array | None:
        self._no_wait_until = 0.0
        try:
            pose = pose_from_transform(transform)
        except InputError:
            self.problem = f'{self._odom_frame} in TF is not finite: odometry has diverged'
            return None
        self.problem = ''
        return pose

    def _explained(
        self, failure: TransformException, camera_frame: str, stamp_ns: int, newest_ns: int
    ) -> str:
        """Return a failure as one line that does not change, so that it is logged once.

        :param newest_ns: stamp of the newest transform. :returns: '' for what passes by itself.
        """
        name = f'{self._odom_frame} -> {camera_frame}'
        if not isinstance(failure, ExtrapolationException):
            if time.monotonic() - self._began < _DISCOVERY_S:
                return ''
            return (
                f'TF has no transform {name}: start odometry, and robot_state_publisher for the'
                ' camera on the robot; or set odom_frame and camera_frame to the right names'
            )
        if stamp_ns > newest_ns:
            return (
                f'TF has {name} too late: raise transform_timeout, or make odometry faster; if'
                ' another machine publishes it, synchronize the clocks'
            )
        if newest_ns - stamp_ns < _KEPT_S * 1e9:
            # TF keeps more than that: it has only begun.
            return ''
        return (
            f'TF does not have {name} at the stamps of the images, which are too old: if a bag is'
            ' played, set use_sim_time and play it with --clock'
        )

    def _newest_ns(self, camera_frame: str) -> int:
        return self.newest_ns(self._odom_frame, camera_frame) or 0
