"""Subscriptions that match the QoS of their publishers and know when they last got a message."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:
    # Its name in Humble.
    from rclpy.qos_event import SubscriptionEventCallbacks

# Lengths of the queues. An image needs its own camera_info, which is small.
_IMAGE_DEPTH, _CAMERA_INFO_DEPTH = 30, 30
_LATCHED = DurabilityPolicy.TRANSIENT_LOCAL
_ALTERNATIVE = {'raw': 'compressed', 'compressed': 'raw'}


class Input:
    """One subscription. It asks for the reliability and durability that the publishers offer.

    Reliable loses no message, but a best-effort publisher sends nothing to it.
    """

    def __init__(
        self,
        node: Node,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        depth: int,
        *,
        overridable: Sequence[QoSPolicyKind] = (),
        reliability: str = 'auto',
        may_be_latched: bool = False,
        alternative: tuple[str, str] = ('', ''),
    ) -> None:
        """Subscribe.

        :param depth: of the queue.
        :param overridable: QoS policies besides history and depth that users may set as
            `qos_overrides` parameters.
        :param reliability: `reliable`, `best_effort`, or `auto`: as the publishers offer.
        :param may_be_latched: ask for earlier messages if all publishers keep them (latched).
        :param alternative: a topic with the same images, and the image_transport that selects it.
        """
        self.message_type = message_type
        self.received = 0
        self.topic = node.resolve_topic_name(topic)
        """The topic's full name, after namespace and remapping."""
        self._node = node
        self._topic = topic
        self._callback = callback
        self._depth = depth
        self._overriding = QoSOverridingOptions(
            (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, *overridable)
        )
        self._reliability = reliability
        self._may_be_latched = may_be_latched
        self._alternative = alternative
        self._last = self._changed = time.monotonic()
        self._known: set[bytes] = set()
        self._requested = self._requested_of(self._offers())
        self._subscription = self._subscribe()

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

    def settled_for(self) -> float:
        """Return the seconds since publishers came or went, or since the start."""
        return time.monotonic() - self._changed

    def publishers(self) -> list[TopicEndpointInfo]:
        """Return the publishers found on the topic, of any type."""
        return list(self._node.get_publishers_info_by_topic(self.topic))

    def competing_publishers(self) -> str:
        """Return which nodes publish on the topic if several do, one line; else ''."""
        publishers = self.publishers()
        if len(publishers) < 2:
            return ''
        names = sorted(f'{p.node_namespace.rstrip("/")}/{p.node_name}' for p in publishers)
        return f'several publish images on {self.topic} ({", ".join(names)}): keep one of them'

    def hint(self) -> str:
        """Return what else could be subscribed to if nothing arrives, one line; '' if nothing."""
        topic, transport = self._alternative
        if topic and self._node.count_publishers(topic):
            return f'{topic} is there: set the parameter image_transport to {transport}'
        others = self._other_topics()
        return f'{self.type_name} is on {", ".join(others)}' if others else ''

    def match_publisher_qos(self) -> str:
        """Subscribe again if the publishers now offer another QoS.

        :returns: what is asked for now, in words; '' if nothing has changed.
        """
        publishers = self.publishers()
        known = {bytes(publisher.endpoint_gid) for publisher in publishers}
        if known != self._known:
            self._known, self._changed = known, time.monotonic()
        offers = [publisher.qos_profile for publisher in publishers]
        requested = self._requested_of(offers) if offers else self._requested
        if requested == self._requested:
            return ''
        self._requested = requested
        self.close()
        self._subscription = self._subscribe()
        reliability, durability = requested
        latched = ', what was published before too' if durability == _LATCHED else ''
        return f'{self.topic}: now asking for {reliability.name.lower()} messages{latched}'

    def _requested_of(self, offers: list[QoSProfile]) -> tuple[ReliabilityPolicy, DurabilityPolicy]:
        """Return what to ask for, given what the publishers offer."""
        reliability = self._reliability
        if reliability == 'auto':
            is_lossy = any(o.reliability == ReliabilityPolicy.BEST_EFFORT for o in offers)
            reliability = 'best_effort' if is_lossy else 'reliable'
        is_latched = {offer.durability for offer in offers} == {_LATCHED}
        return (
            ReliabilityPolicy[reliability.upper()],
            _LATCHED if self._may_be_latched and is_latched else DurabilityPolicy.VOLATILE,
        )

    def _other_topics(self) -> list[str]:
        """Return the topics of the same type that others publish, sorted."""
        own = f'{self._node.get_fully_qualified_name()}/'
        return sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if self.type_name in types
            and name != self.topic
            # Neither this node's nor those of another mesh_reloc.
            and not name.startswith(own)
            and not name.endswith('/overlay')
            and self._node.count_publishers(name) > 0
        )

    def _offers(self) -> list[QoSProfile]:
        return [publisher.qos_profile for publisher in self.publishers()]

    def _subscribe(self) -> Any:
        reliability, durability = self._requested
        return self._node.create_subscription(
            self.message_type,
            self._topic,
            self._receive,
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=self._depth,
                reliability=reliability,
                durability=durability,
            ),
            qos_overriding_options=self._overriding,
            # rclpy would warn of publishers that this then asks for what they offer.
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=lambda _: None),
        )

    def _receive(self, message: Any) -> None:
        self._last = time.monotonic()
        self.received += 1
        self._callback(message)


def image_input(
    node: Node,
    transport: str,
    reliability: str,
    callback: Callable[[Image | CompressedImage], None],
) -> Input:
    """Subscribe to `image_rect`, raw or compressed.

    :param transport: `raw` or `compressed`.
    :param reliability: `reliable`, `best_effort`, or `auto`: as the publishers offer.
    """
    # As image_transport does it: remapping image_rect remaps its compressed topic, too.
    base = node.resolve_topic_name('image_rect')
    topics = {'raw': base, 'compressed': f'{base}/compressed'}
    other = _ALTERNATIVE[transport]
    return Input(
        node,
        Image if transport == 'raw' else CompressedImage,
        topics[transport],
        callback,
        _IMAGE_DEPTH,
        # Reliability has its own parameter.
        overridable=(QoSPolicyKind.DURABILITY,),
        reliability=reliability,
        alternative=(topics[other], other),
    )


def camera_info_input(node: Node, callback: Callable[[CameraInfo], None]) -> Input:
    """Subscribe to `camera_info`, which may have been published once, latched.

    Reliability and durability cannot be overridden: they follow the publishers.
    """
    return Input(node, CameraInfo, 'camera_info', callback, _CAMERA_INFO_DEPTH, may_be_latched=True)
