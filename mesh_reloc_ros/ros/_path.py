"""The path of the camera, as nav_msgs/Path, for RViz."""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from mesh_reloc_ros.ros._worker import LatestOnlyWorker
from mesh_reloc_ros.ros.publishing import publish

_PERIOD_S = 1.0
_FIRST_SPACING_M = 0.01


class PathPublisher:
    """Keeps trusted poses, wider apart on a longer path, and publishes them to subscribers.

    On a thread: a message of some hundred poses takes milliseconds.
    """

    def __init__(self, node: Node) -> None:
        """Create the publisher and start its thread."""
        # Latched: a later subscriber gets the path, too.
        qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._node = node
        self._publisher = node.create_publisher(Path, '~/path', qos)
        self._poses: list[PoseStamped] = []
        self._last_position: NDArray[np.float64] | None = None
        self._spacing_m = _FIRST_SPACING_M
        self._next = 0.0
        self._worker: LatestOnlyWorker[Path] = LatestOnlyWorker(
            'path', lambda path: publish(node, self._publisher.publish, path), niceness=10
        )
        self.result = self._worker.result
        """See `LatestOnlyWorker`."""

    def add(self, pose: PoseStamped, max_length: int) -> None:
        """Add a trusted pose in the map.

        :param max_length: most poses that are kept.
        """
        point = pose.pose.position
        position = np.array((point.x, point.y, point.z))
        last = self._last_position
        if last is None or np.linalg.norm(position - last) >= self._spacing_m:
            self._last_position = position
            self._poses.append(pose)
            while len(self._poses) > max_length:
                self._poses = self._poses[::2]
                self._spacing_m *= 2
        now = time.monotonic()
        if now >= self._next and self._publisher.get_subscription_count():
            self._next = now + _PERIOD_S
            self._worker.put(Path(header=pose.header, poses=list(self._poses)))

    def clear(self) -> None:
        """Start a new path."""
        self._poses, self._last_position = [], None
        self._spacing_m = _FIRST_SPACING_M

    def close(self, timeout_s: float) -> bool:
        """End the thread; return False if that exceeds the timeout."""
        ended = self._worker.stop(timeout_s)
        self._node.destroy_publisher(self._publisher)
        return ended
