"""What the node publishes: poses, the mesh for RViz, and the overlay."""

from __future__ import annotations

import time
from collections.abc import Callable

from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.ros.conversions import (
    estimate_to_pose,
    estimate_to_pose_with_covariance,
    image_from_rgb,
)
from mesh_reloc_ros.ros.path import PathPublisher
from mesh_reloc_ros.ros.saved_pose import SavedPose
from mesh_reloc_ros.ros.worker import LatestOnlyWorker
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame

_QUEUE = 10


class PosePublisher:
    """Publishes trusted estimates as pose, and as pose with covariance."""

    def __init__(self, node: Node, map_frame: str) -> None:
        overriding = QoSOverridingOptions.with_default_policies()
        self._node = node
        self._map_frame = map_frame
        self._poses = node.create_publisher(
            PoseStamped, '~/pose', _QUEUE, qos_overriding_options=overriding
        )
        self._covariances = node.create_publisher(
            PoseWithCovarianceStamped,
            '~/pose_with_covariance',
            _QUEUE,
            qos_overriding_options=overriding,
        )

    def publish(self, estimate: PoseEstimate) -> None:
        """Publish a trusted estimate with its image's stamp."""
        self._poses.publish(estimate_to_pose(estimate, self._map_frame))
        self._covariances.publish(estimate_to_pose_with_covariance(estimate, self._map_frame))

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self._poses)
        self._node.destroy_publisher(self._covariances)


class OverlayPublisher:
    """Draws and publishes overlays on a thread of its own, and only while someone subscribes."""

    def __init__(self, node: Node, scene: Scene, on_failure: Callable[[Exception], None]) -> None:
        """Create the publisher and start the thread.

        :param on_failure: called with an exception that ended the thread.
        """
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
        self._worker = LatestOnlyWorker('overlay', self._draw, on_failure, niceness=10)

    def offer(
        self,
        frame: Frame,
        estimate: PoseEstimate,
        latency_ms: float,
        header: Header,
        settings: OverlaySettings,
    ) -> None:
        """Have the overlay drawn, where someone subscribes and the rate allows it."""
        now = time.monotonic()
        if self._publisher.get_subscription_count() and now >= self._next:
            self._next = now + 1.0 / settings.max_rate
            self._worker.put((frame, estimate, latency_ms, header, settings))

    def close(self, timeout_s: float) -> bool:
        """End the thread; return False if that takes longer than allowed."""
        ended = self._worker.stop(timeout_s)
        self._node.destroy_publisher(self._publisher)
        return ended

    def _draw(self, job: tuple[Frame, PoseEstimate, float, Header, OverlaySettings]) -> None:
        frame, estimate, latency_ms, header, settings = job
        image = draw_overlay(self._scene, frame, estimate, latency_ms, settings)
        self._publisher.publish(image_from_rgb(image, header))
        self.published += 1


class Outputs:
    """All that is published or kept of poses, but TF."""

    def __init__(
        self,
        node: Node,
        mesh: str,
        scene: Scene,
        map_frame: str,
        saved: SavedPose,
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Create the publishers, and publish the mesh.

        :param mesh: its URL.
        :param on_failure: called with an exception that ended a thread.
        """
        self.poses = PosePublisher(node, map_frame)
        self.path = PathPublisher(node, map_frame, on_failure)
        self.overlay = OverlayPublisher(node, scene, on_failure)
        self.saved = saved
        self._node = node
        self._mesh = publish_mesh(node, mesh, map_frame)

    def close(self, timeout_s: float) -> bool:
        """Stop publishing; return False if a piece of work takes longer than allowed."""
        ended = [part.close(timeout_s) for part in (self.path, self.overlay)]
        self.poses.close()
        self._mesh.publish(Marker(ns='mesh', action=Marker.DELETE))
        self._node.destroy_publisher(self._mesh)
        return all(ended)


def publish_mesh(node: Node, mesh: str, map_frame: str) -> Publisher[Marker]:
    """Publish the URL of the mesh for RViz, latched; return the publisher, which must be kept."""
    qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = node.create_publisher(Marker, '~/mesh', qos)
    marker = Marker(
        header=Header(frame_id=map_frame),
        ns='mesh',
        type=Marker.MESH_RESOURCE,
        action=Marker.ADD,
        mesh_resource=mesh,
        # With all colours left at zero the textures are shown as they are.
        mesh_use_embedded_materials=True,
    )
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    publisher.publish(marker)
    return publisher
