"""Publishes overlays: the mesh drawn over an image, or beside it."""

from __future__ import annotations

import time

from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.ros._worker import LatestOnlyWorker
from mesh_reloc_ros.ros.conversions import image_from_rgb
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame


class OverlayPublisher:
    """Draws overlays on a thread, and only while someone subscribes."""

    def __init__(self, node: Node, scene: Scene) -> None:
        """Create the publisher and start the thread."""
        self.published = 0
        """Number of overlays published so far."""
        self._node = node
        self._publisher = node.create_publisher(
            Image,
            '~/overlay',
            1,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._scene = scene
        self._next = time.monotonic()
        self._worker = LatestOnlyWorker('overlay', self._draw, niceness=10)
        self.result = self._worker.result
        """See `LatestOnlyWorker`."""

    def offer(
        self,
        frame: Frame,
        estimate: PoseEstimate,
        latency_ms: float,
        header: Header,
        settings: OverlaySettings,
    ) -> None:
        """Draw the overlay if someone subscribes and the rate allows it."""
        now = time.monotonic()
        if self._publisher.get_subscription_count() and now >= self._next:
            self._next = now + 1.0 / settings.max_rate
            self._worker.put((frame, estimate, latency_ms, header, settings))

    def close(self, timeout_s: float) -> bool:
        """End the thread; return False if that exceeds the timeout."""
        ended = self._worker.stop(timeout_s)
        self._node.destroy_publisher(self._publisher)
        return ended

    def _draw(self, job: tuple[Frame, PoseEstimate, float, Header, OverlaySettings]) -> None:
        frame, estimate, latency_ms, header, settings = job
        image = draw_overlay(self._scene, frame, estimate, latency_ms, settings)
        message = image_from_rgb(image, header)
        self.published += publish(self._node, self._publisher.publish, message)
