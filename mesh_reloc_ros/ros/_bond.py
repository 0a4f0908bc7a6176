"""The bond with the lifecycle manager of Nav2, where the package of its messages is installed."""

from __future__ import annotations

import uuid

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer

from mesh_reloc_ros.ros.publishing import publish

try:
    from bond.msg import Status  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    # It comes with Nav2.
    Status = None

# As of Nav2's own nodes.
_TOPIC, _PERIOD_S, _TIMEOUT_S = 'bond', 0.1, 4.0


class ManagerBond:
    """Heartbeats while the node is active, by which its manager sees that it lives.

    What the manager says is of no interest: it changes the node's state by services.
    """

    def __init__(self, node: Node) -> None:
        """Create the publisher, unless the messages are not installed."""
        self._node = node
        self._timer: Timer | None = None
        if Status is not None:
            self._publisher = node.create_publisher(Status, _TOPIC, 1)

    def begin(self) -> None:
        """Begin a new bond."""
        if Status is None:
            return
        self._status = Status(
            id=self._node.get_name(),
            instance_id=str(uuid.uuid4()),
            heartbeat_timeout=_TIMEOUT_S,
            heartbeat_period=_PERIOD_S,
        )
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(
            _PERIOD_S, lambda: self._publish(active=True), clock=clock
        )

    def end(self) -> None:
        """End the bond, if there is one, and tell the manager."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None
            self._publish(active=False)

    def _publish(self, *, active: bool) -> None:
        self._status.active = active
        self._status.header.stamp = self._node.get_clock().now().to_msg()
        publish(self._node, self._publisher.publish, self._status)
