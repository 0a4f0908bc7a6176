"""Where odometry says that the camera is, from TF, at an image's stamp."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
from geometry_msgs.msg import Transform
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time
from tf2_ros import Buffer, ExtrapolationException, TransformException, TransformListener

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.poses import pose_from_transform
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.timeline import is_leftover

Array = NDArray[np.float64]

_POLL_S = 0.002
# Where odometry has stopped for so long there is no wait for as long: without it poses are not to
# be late as well.
_PATIENCE_AFTER_S = 1.0


class Odometry:
    """Looks `odom_frame` -> camera up, and waits for it within bounds. For one thread."""

    def __init__(self, node: Node, odom_frame: str) -> None:
        """Listen to TF, on the executor of `node`."""
        self.problem = ''
        """Why the last lookup failed, one line; empty where it did not."""
        self._odom_frame = odom_frame
        # Without the node, as with it the buffer brings a service along, and clears itself by the
        # clock only: a bag that loops may be played without one.
        self._buffer = Buffer()
        self._listener = TransformListener(self._buffer, node)
        self._stopped = threading.Event()
        self._impatient_until = 0.0
        self._before_ns, self._jumped = 0, -math.inf

    def at(self, camera_frame: str, stamp_ns: int, timeout_s: float) -> Array | None:
        """Return `odom_T_camera` [4, 4] at a stamp, None where TF does not have it in time."""
        began = time.monotonic()
        deadline = began + (timeout_s if began >= self._impatient_until else 0.0)
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
        if deadline > began and newest_ns < stamp_ns - _PATIENCE_AFTER_S * 1e9:
            self._impatient_until = time.monotonic() + _PATIENCE_AFTER_S
        self.problem = self._explained(failure, camera_frame, stamp_ns > newest_ns)
        return None

    def newest_ns(self, parent: str, child: str) -> int | None:
        """Return the newest stamp of a way between frames; 0: it is static, None: there is none."""
        try:
            return stamp_to_ns(self._buffer.lookup_transform(parent, child, Time()).header.stamp)
        except TransformException:
            return None

    def clear(self, before_ns: int) -> None:
        """Forget what was before time went back: TF would take what comes now for out of date.

        :param before_ns: where time was.
        """
        self._before_ns, self._jumped = before_ns, time.monotonic()
        self._buffer.clear()

    def stop(self) -> None:
        """Stop listening, and end a wait."""
        self._stopped.set()
        self._listener.unregister()

    def _has_leftover(self, camera_frame: str, stamp_ns: int) -> bool:
        """Whether TF has received a transform of before a jump back, since the buffer was cleared.

        Lookups between the two times would interpolate.
        """
        passed_s = time.monotonic() - self._jumped
        return is_leftover(self._newest_ns(camera_frame), self._before_ns, stamp_ns, passed_s)

    def _taken(self, transform: Transform) -> Array | None:
        self._impatient_until = 0.0
        try:
            pose = pose_from_transform(transform)
        except InputError:
            self.problem = f'{self._odom_frame} in TF is not finite: odometry has gone astray'
            return None
        self.problem = ''
        return pose

    def _explained(self, failure: TransformException, camera_frame: str, is_late: bool) -> str:
        """Return one line, the same each time, so that it is logged once."""
        way = f'{self._odom_frame} -> {camera_frame}'
        if not isinstance(failure, ExtrapolationException):
            return (
                f'TF has no way {way}: start odometry, and robot_state_publisher for where the'
                ' camera is on the robot; or set odom_frame and camera_frame to the right names'
            )
        if is_late:
            return (
                f'TF has {way} too late: raise transform_timeout, or make odometry faster; where'
                ' another machine publishes it, synchronize the clocks'
            )
        return (
            f'TF does not have {way} at the stamps of the images, which are too old: where a bag is'
            ' played, set use_sim_time and play it with --clock'
        )

    def _newest_ns(self, camera_frame: str) -> int:
        return self.newest_ns(self._odom_frame, camera_frame) or 0
