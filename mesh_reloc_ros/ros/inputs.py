"""Subscriptions that know when they last heard something, and whose publishers they have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

_IMAGES, _INFOS = 5, 30
"""Lengths of the queues: an image needs its own camera_info, which is small."""
_LATCHED = DurabilityPolicy.TRANSIENT_LOCAL


class RequestedQoS(NamedTuple):
    """What a subscription asks for."""

    reliability: ReliabilityPolicy
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE


class Input:
    """One subscription, with the time of its last message."""

    def __init__(
        self,
        node: Node,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        depth: int,
        overridable: Iterable[QoSPolicyKind],
    ) -> None:
        """Subscribe, asking for what the publishers offer that are there.

        :param depth: of the queue.
        :param overridable: QoS policies that the user may set as `qos_overrides` parameters.
        """
        self.message_type = message_type
        self.received = 0
        self.topic = node.resolve_topic_name(topic)
        """The topic's full name, after namespace and remapping."""
        self._node = node
        self._topic = topic
        self._callback = callback
        self._depth = depth
        self._overriding = QoSOverridingOptions(tuple(overridable))
        self._last = time.monotonic()
        self._wish = self._wished(self._offers())
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

    def publishers(self) -> list[TopicEndpointInfo]:
        """Return the publishers found on the topic, of any type."""
        return list(self._node.get_publishers_info_by_topic(self.topic))

    def hint(self) -> str:
        """Return what else could be subscribed to where nothing comes, one line; '' if nothing."""
        others = self._other_topics()
        return f'{self.type_name} is on {", ".join(others)}' if others else ''

    def adapt(self) -> str:
        """Subscribe anew where the publishers offer something else; return what is asked for now.

        :returns: in words; '' where all is as it was.
        """
        offers = self._offers()
        wish = self._wished(offers) if offers else self._wish
        if wish == self._wish:
            return ''
        self._wish = wish
        self.close()
        self._subscription = self._subscribe()
        kept = ', what was published before too' if wish.durability == _LATCHED else ''
        return f'{self.topic}: now asking for {wish.reliability.name.lower()} messages{kept}'

    def _wished(self, offers: list[QoSProfile]) -> RequestedQoS:
        """Return what to ask for, given what the publishers offer, if there are any.

        Reliable loses nothing, but a best-effort publisher gives nothing to it.
        """
        best_effort = ReliabilityPolicy.BEST_EFFORT in {offer.reliability for offer in offers}
        return RequestedQoS(
            ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
        )

    def _other_topics(self) -> list[str]:
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

    def _offers(self) -> list[QoSProfile]:
        return [publisher.qos_profile for publisher in self.publishers()]

    def _subscribe(self) -> Any:
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=self._depth,
            reliability=self._wish.reliability,
            durability=self._wish.durability,
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
    """The subscription to `camera_info`.

    Where all publishers keep what they published (latched), it asks for that: it may be all there
    is.
    """

    def __init__(self, node: Node, callback: Callable[[CameraInfo], None]) -> None:
        # All else is as the publishers offer; an override would be what it was at first, for good.
        overridable = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH)
        super().__init__(node, CameraInfo, 'camera_info', callback, _INFOS, overridable)

    def _wished(self, offers: list[QoSProfile]) -> RequestedQoS:
        wish = super()._wished(offers)
        is_latched = {offer.durability for offer in offers} == {_LATCHED}
        return wish._replace(durability=_LATCHED) if is_latched else wish


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
        compressed = f'{base}/compressed'
        is_raw = transport == 'raw'
        self._reliability = reliability
        self._other = (compressed, 'compressed') if is_raw else (base, 'raw')
        super().__init__(
            node,
            Image if is_raw else CompressedImage,
            base if is_raw else compressed,
            callback,
            _IMAGES,
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

    def hint(self) -> str:
        """Name the topic of the other transport where there is one; else see `Input.hint`."""
        topic, transport = self._other
        if self._node.count_publishers(topic):
            return f'{topic} is there: set the parameter image_transport to {transport}'
        return super().hint()

    def _wished(self, offers: list[QoSProfile]) -> RequestedQoS:
        if self._reliability == 'auto':
            return super()._wished(offers)
        if self._reliability == 'best_effort':
            return RequestedQoS(ReliabilityPolicy.BEST_EFFORT)
        return RequestedQoS(ReliabilityPolicy.RELIABLE)
