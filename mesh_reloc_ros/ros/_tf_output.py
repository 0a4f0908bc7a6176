"""Poses in TF: map -> camera, or map -> odom, so that no frame gets two parents."""

from __future__ import annotations

from collections import deque

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.ros._odometry import Odometry
from mesh_reloc_ros.ros.conversions import transform_from_pose
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.timeline import is_far_ahead
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.pose import shifted

_STALE_S = 2.0
"""Older map -> odom transforms count as stale: their publisher has ended."""
_KEPT = 1000
"""Own transforms that are recognized in TF: more than its cache of ten seconds holds."""


class TfOutput:
    """Publishes trusted poses in TF as the parameter `publish_tf` says."""

    def __init__(
        self, node: Node, settings: NodeSettings, odometry: Odometry | None, origin: Array
    ) -> None:
        """Create the publishers.

        :param origin: [3], of the mesh in the map: if it is not zero, a static frame is there.
        """
        self.published = 0
        """Number of transforms published."""
        self._mode = settings.publish_tf
        self._map_frame = settings.map_frame
        self._odom_frame = settings.odom_frame
        self._odometry = odometry
        self._broadcaster = None if self._mode == 'none' else TransformBroadcaster(node)
        self._static_broadcaster: StaticTransformBroadcaster | None = None
        if self._mode != 'none' and origin.any():
            self._static_broadcaster = StaticTransformBroadcaster(node)
            local = transform_from_pose(
                shifted(np.eye(4), origin), 0, self._map_frame, f'{self._map_frame}_local'
            )
            publish(node, self._static_broadcaster.sendTransform, local)
        self._static_parents: dict[str, str] = {}
        self._own_ns: deque[int] = deque(maxlen=_KEPT)
        self._node = node
        self._subscription = None
        if self._mode != 'none':
            latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
            # Static transforms alone: all of a robot's TF would cost too much to listen to.
            self._subscription = node.create_subscription(
                TFMessage, '/tf_static', self._on_static, latched
            )

    def publish(
        self,
        estimate: PoseEstimate,
        camera_frame: str,
        odom_T_camera: Array | None,
        future_s: float,
    ) -> str:
        """Publish a trusted estimate.

        :param odom_T_camera: [4, 4] at its stamp; None if unknown.
        :param future_s: how far ahead map -> odom is dated.
        :returns: why it was not published, one line; '' if it was, if TF is switched off, or if
            odometry is missing, which `Odometry` explains.
        """
        if self._broadcaster is None:
            return ''
        problem = self._obstacle(camera_frame, estimate.stamp_ns)
        if problem:
            return problem
        if self._mode == 'map_odom' and odom_T_camera is None:
            # Odometry has a problem of its own.
            return ''
        if self._mode == 'map_camera':
            transform = transform_from_pose(
                estimate.map_T_camera, estimate.stamp_ns, self._map_frame, camera_frame
            )
        else:
            assert odom_T_camera is not None
            map_T_odom = estimate.map_T_camera @ np.linalg.inv(odom_T_camera)
            dated_ns = estimate.stamp_ns + round(future_s * 1e9)
            transform = transform_from_pose(map_T_odom, dated_ns, self._map_frame, self._odom_frame)
        if publish(self._node, self._broadcaster.sendTransform, transform):
            self._own_ns.append(stamp_to_ns(transform.header.stamp))
            self.published += 1
        return ''

    def close(self) -> None:
        """Stop publishing and listening."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        for broadcaster in (self._broadcaster, self._static_broadcaster):
            if broadcaster is not None:
                self._node.destroy_publisher(broadcaster.pub_tf)

    def _obstacle(self, camera_frame: str, stamp_ns: int) -> str:
        """Return why the transform cannot be published, one line; '' if it can."""
        if not camera_frame or camera_frame == self._map_frame:
            return (
                f'no TF: the images are in the frame {camera_frame!r}; set the parameter'
                ' camera_frame to the optical frame of the camera'
            )
        if is_far_ahead(stamp_ns, self._node.get_clock().now().nanoseconds):
            return 'no TF: the image is stamped far ahead of the clock'
        if self._mode == 'map_odom':
            return self._obstacle_to_odom(stamp_ns)
        parent = self._other_parent(camera_frame)
        if parent:
            return (
                f'no TF: {camera_frame} has the parent {parent!r} already; set publish_tf to'
                f' map_odom, and odom_frame to the root of that tree (such as {parent})'
            )
        return ''

    def _obstacle_to_odom(self, stamp_ns: int) -> str:
        parent = self._other_parent(self._odom_frame)
        if parent:
            return (
                f'no TF: {self._odom_frame} has the parent {parent!r} already; set odom_frame to'
                f' the root of that tree (such as {parent})'
            )
        if self._has_competitor(stamp_ns):
            return (
                f'no TF: another node publishes {self._map_frame} -> {self._odom_frame} (amcl, a'
                ' static transform): switch that off, or set publish_tf to none'
            )
        return ''

    def _has_competitor(self, stamp_ns: int) -> bool:
        """Whether another node publishes map -> odom."""
        if self._odometry is None:
            return False
        newest_ns = self._odometry.newest_ns(self._map_frame, self._odom_frame)
        if newest_ns is None or newest_ns in self._own_ns:
            return False
        return newest_ns == 0 or newest_ns > stamp_ns - _STALE_S * 1e9

    def _other_parent(self, child: str) -> str:
        """Return the static parent of a frame if it is not the map, else ''."""
        parent = self._static_parents.get(child, self._map_frame)
        return '' if parent == self._map_frame else parent

    def _on_static(self, message: TFMessage) -> None:
        parents = {
            transform.child_frame_id.lstrip('/'): transform.header.frame_id.lstrip('/')
            for transform in message.transforms
        }
        # The tracking thread reads it: replaced as a whole, never changed.
        self._static_parents = {**self._static_parents, **parents}
