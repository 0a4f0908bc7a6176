"""The pose of the robot's base in the map, as nav_msgs/Odometry, for filters."""

from __future__ import annotations

import time

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros._mount import CameraMount, covariance_at
from mesh_reloc_ros.ros.conversions import ns_to_stamp, pose_to_message
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.estimate import PoseEstimate

_DISCOVERY_S = 2.0
"""After the start, static transforms may not have come yet."""


class BaseOdometry:
    """Publishes trusted poses as those of the robot's base, with their covariance at the base."""

    def __init__(self, node: Node, map_frame: str, base_frame: str, mount: CameraMount) -> None:
        """Create the publisher."""
        self._node = node
        self._frames = map_frame, base_frame
        self._mount = mount
        self._began = time.monotonic()
        self._publisher = node.create_publisher(
            Odometry,
            '~/odometry',
            10,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def publish(self, estimate: PoseEstimate) -> str:
        """Publish a trusted estimate.

        :returns: why it was not published, one line; '' if it was.
        """
        try:
            base_T_camera = self._mount.base_T_camera(estimate.stamp_ns)
        except InputError as error:
            return f'no ~/odometry: {error}'
        if base_T_camera is None:
            is_early = time.monotonic() - self._began < _DISCOVERY_S
            return '' if is_early else f'no ~/odometry: {self._mount.missing}'
        map_T_base = estimate.map_T_camera @ np.linalg.inv(base_T_camera)
        lever = map_T_base[:3, 3] - estimate.map_T_camera[:3, 3]
        message = Odometry()
        message.header.stamp = ns_to_stamp(estimate.stamp_ns)
        message.header.frame_id, message.child_frame_id = self._frames
        message.pose.pose = pose_to_message(map_T_base)
        covariance = covariance_at(estimate.covariance.astype(np.float64), lever)
        message.pose.covariance = covariance.ravel()
        # The twist is unknown.
        message.twist.covariance[0] = -1.0
        publish(self._node, self._publisher.publish, message)
        return ''

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self._publisher)
