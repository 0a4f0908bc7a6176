"""Fills a buffer with what is published on /tf and /tf_static."""

from __future__ import annotations

from threading import Thread

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from tf2_ros.buffer import Buffer

_AUTHORITY = 'default_authority'


class TransformListener:
    """Subscribes on `node` (None: a node of its own); `spin_thread` runs it in the background."""

    def __init__(
        self,
        buffer: Buffer,
        node: Node | None,
        *,
        spin_thread: bool = False,
        qos: QoSProfile | int | None = None,
        static_qos: QoSProfile | int | None = None,
        tf_topic: str = '/tf',
        tf_static_topic: str = '/tf_static',
        static_only: bool = False,
    ) -> None:
        self.buffer = buffer
        self.node = node or Node(
            f'transform_listener_impl_{id(self):x}',
            enable_rosout=False,
            start_parameter_services=False,
        )
        # A callback of the node may wait for a transform: this group lets it arrive meanwhile.
        self.group = ReentrantCallbackGroup()
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        subscriptions = [(tf_static_topic, self.static_callback, static_qos or latched)]
        if not static_only:
            subscriptions.append((tf_topic, self.callback, qos or QoSProfile(depth=100)))
        self._subscriptions = [
            self.node.create_subscription(
                TFMessage, topic, callback, profile, callback_group=self.group
            )
            for topic, callback, profile in subscriptions
        ]
        if spin_thread:
            Thread(target=_spin, args=(self.node,), daemon=True).start()

    def unregister(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self.node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def callback(self, data: TFMessage) -> None:
        """Take what was published on /tf."""
        for transform in data.transforms:
            self.buffer.set_transform(transform, _AUTHORITY)

    def static_callback(self, data: TFMessage) -> None:
        """Take what was published on /tf_static."""
        for transform in data.transforms:
            self.buffer.set_transform_static(transform, _AUTHORITY)


def _spin(node: Node) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin()
    except ExternalShutdownException:
        pass
    finally:
        executor.remove_node(node)
