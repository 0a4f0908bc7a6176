"""Frames that are fixed to each other, from /tf_static."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from tf2_msgs.msg import TFMessage
from tf2_ros import Buffer, TransformException

from mesh_reloc_ros.messages.poses import pose_from_transform
from mesh_reloc_ros.types import Array


class StaticFrames:
    """Listens to static transforms alone: all of a robot's TF would cost too much."""

    def __init__(self, node: Node) -> None:
        """Subscribe."""
        self._buffer = Buffer()
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        node.create_subscription(TFMessage, '/tf_static', self._on_message, latched)

    def pose(self, parent: str, child: str) -> Array | None:
        """Return parent_T_child [4, 4]; None if static transforms do not connect the two.

        :raises InputError: it is not finite.
        """
        try:
            found = self._buffer.lookup_transform(parent, child, Time())
        except TransformException:
            return None
        return pose_from_transform(found.transform)

    def _on_message(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self._buffer.set_transform_static(transform, 'tf_static')
