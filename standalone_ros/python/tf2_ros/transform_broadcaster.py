"""Sends transforms that change over time."""

from __future__ import annotations

from collections.abc import Iterable

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from tf2_msgs.msg import TFMessage


class TransformBroadcaster:
    """Publishes on /tf."""

    def __init__(self, node: Node, qos: QoSProfile | int = QoSProfile(depth=100)) -> None:  # noqa: B008
        self.pub_tf = node.create_publisher(TFMessage, '/tf', qos)

    def sendTransform(self, transform: TransformStamped | Iterable[TransformStamped]) -> None:
        """Publish one transform or several."""
        self.pub_tf.publish(tf_message(transform))


def tf_message(transform: TransformStamped | Iterable[TransformStamped]) -> TFMessage:
    """Return a message with one transform or several."""
    single = isinstance(transform, TransformStamped)
    return TFMessage(transforms=[transform] if single else list(transform))
