"""Subscriptions that know when they last heard something, and whose publishers they have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

_QUEUE = 5


class Input:
    """One subscription, with the time of its last message."""

    def __init__(
        self,
        node: Node,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        reliability: ReliabilityPolicy,
        overridable: Iterable[QoSPolicyKind],
    ) -> None:
        """Subscribe.

        :param overridable: QoS policies that the user may set as `qos_overrides` parameters.
        """
        self.message_type = message_type
        self.received = 0
        self._node = node
        self._callback = callback
        self._topic = topic
        self._overriding = QoSOverridingOptions(tuple(overridable))
        self._last = time.monotonic()
        self._subscription = self._subscribe(reliability)

    @property
    def topic(self) -> str:
        """The topic's full name, after namespace and remapping."""
        return str(self._subscription.topic_name)

    @property
    def type_name(self) -> str:
        """The type of the messages, as `sensor_msgs/msg/Image`."""
        package, _, _ = self.message_type.__module__.partition('.')
        return f'{package}/msg/{self.message_type.__name__}'

    @property
    def qos(self) -> QoSProfile:
        """What the subscription asks for."""
        return self._subscription.qos_profile

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def silent_for(self) -> float:
        """Return the seconds since the last message, or since the start."""
        return time.monotonic() - self._last

    def publishers(self) -> list[TopicEndpointInfo]:
        """Return the publishers found on the topic, of any type."""
        return list(self._node.get_publishers_info_by_topic(self.topic))

    def other_topics(self) -> list[str]:
        """Return the topics of the same type that others publish, sorted."""
        own = f'{self._node.get_fully_qualified_name()}/'
        return sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if self.type_name in types
            and name != self.topic
            # Neither this node's nor another's of its kind.
            and not name.startswith(own)
            and not name.endswith('/overlay')
            and self._node.count_publishers(name) > 0
        )

    def _subscribe(
        self,
        reliability: ReliabilityPolicy,
        durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
    ) -> Any:
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_QUEUE,
            reliability=reliability,
            durability=durability,
        )
        return self._node.create_subscription(
            self.message_type,
            self._topic,
            self._receive,
            qos,
            qos_overriding_options=self._overriding,
        )

    def _receive(self, message: Any) -> None:
        self._last = time.monotonic()
        self.received += 1
        self._callback(message)


class CameraInfoInput(Input):
    """The subscription to `camera_info`; best effort and volatile match every publisher.

    Where all publishers keep what they published (latched), it asks for that: it may be all there
    is.
    """

    def __init__(self, node: Node, callback: Callable[[CameraInfo], None]) -> None:
        overridable = (
            QoSPolicyKind.HISTORY,
            QoSPolicyKind.DEPTH,
            QoSPolicyKind.RELIABILITY,
            QoSPolicyKind.DURABILITY,
        )
        super().__init__(
            node, CameraInfo, 'camera_info', callback, ReliabilityPolicy.BEST_EFFORT, overridable
        )

    def adapt(self) -> bool:
        """Subscribe anew where that gets what was published before; return whether it did."""
        offered = {publisher.qos_profile.durability for publisher in self.publishers()}
        latched = DurabilityPolicy.TRANSIENT_LOCAL
        if self.received or offered != {latched} or self.qos.durability == latched:
            return False
        self.close()
        self._subscription = self._subscribe(ReliabilityPolicy.RELIABLE, latched)
        return True


class ImageInput(Input):
    """The subscription to `image_rect`, raw or compressed, with the reliability that fits."""

    def __init__(
        self,
        node: Node,
        transport: str,
        reliability: str,
        callback: Callable[[Image | CompressedImage], None],
    ) -> None:
        """Subscribe.

        :param transport: `raw` or `compressed`.
        :param reliability: `reliable`, `best_effort`, or `auto`: as the publishers offer.
        """
        # As image_transport does it: a remapped image_rect takes its compressed topic along.
        base = node.resolve_topic_name('image_rect')
        compressed = transport == 'compressed'
        self._automatic = reliability == 'auto'
        self._wanted = (
            ReliabilityPolicy.BEST_EFFORT
            if reliability == 'best_effort'
            else ReliabilityPolicy.RELIABLE
        )
        super().__init__(
            node,
            CompressedImage if compressed else Image,
            f'{base}/compressed' if compressed else base,
            callback,
            self._wanted,
            # Reliability is a parameter of its own.
            (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.DURABILITY),
        )

    def rivals(self) -> str:
        """Return what is wrong where several publish on the topic, one line; else ''."""
        publishers = self.publishers()
        if len(publishers) < 2:
            return ''
        names = sorted(f'{p.node_namespace.rstrip("/")}/{p.node_name}' for p in publishers)
        return f'several publish images on {self.topic} ({", ".join(names)}): keep one of them'

    def adapt(self) -> bool:
        """Subscribe anew where `auto` is to ask for another reliability; return whether it did.

        Reliable loses no large images, but a best-effort publisher gives nothing to it.
        """
        offered = {publisher.qos_profile.reliability for publisher in self.publishers()}
        if not self._automatic or not offered:
            return False
        best_effort = ReliabilityPolicy.BEST_EFFORT in offered
        wanted = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
        if wanted == self._wanted:
            return False
        self._wanted = wanted
        self._node.destroy_subscription(self._subscription)
        self._subscription = self._subscribe(wanted)
        return True
