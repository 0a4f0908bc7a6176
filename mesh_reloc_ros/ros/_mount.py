"""Where the camera is on the robot, from TF, and poses of the robot's base."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node

from mesh_reloc_ros.ros._odometry import Odometry
from mesh_reloc_ros.ros._parameters import NodeParameters
from mesh_reloc_ros.ros._static_frames import StaticFrames
from mesh_reloc_ros.types import Array


class CameraMount:
    """Looks up `base_frame` -> camera: static transforms, or all of TF where odometry is used."""

    def __init__(self, node: Node, parameters: NodeParameters) -> None:
        """Listen to static transforms."""
        self.frames = StaticFrames(node)
        self.camera_frame = parameters.node.camera_frame
        """The camera's frame in TF, '' until it is known."""
        self.odometry: Odometry | None = None
        self._parameters = parameters

    def base_T_camera(self, stamp_ns: int | None = None) -> Array | None:
        """Return where the camera is [4, 4]; None if TF does not say so.

        :param stamp_ns: when, where the mount moves; None: now.
        :raises InputError: it is not finite.
        """
        base = self._parameters.node.base_frame
        if not self.camera_frame:
            return None
        pose = self.frames.pose(base, self.camera_frame)
        if pose is None and self.odometry is not None:
            pose = self.odometry.between(base, self.camera_frame, stamp_ns)
        return pose

    @property
    def missing(self) -> str:
        """What is missing where `base_T_camera` is None, one line."""
        base = self._parameters.node.base_frame
        if not self.camera_frame:
            return f'{base} -> camera is unknown: set camera_frame, or wait for the first image'
        return (
            f'TF has no static transform {base} -> {self.camera_frame}: start'
            ' robot_state_publisher for the camera on the robot; or set base_frame and camera_frame'
            ' to the right names'
        )


def covariance_at(covariance: Array, lever: Array) -> Array:
    """Return the covariance of a pose at another point of the same body.

    :param covariance: [6, 6], x y z rx ry rz about fixed axes.
    :param lever: [3], from the pose's position to that point, in the same axes.
    """
    x, y, z = lever
    jacobian = np.eye(6)
    jacobian[:3, 3:] = [[0, z, -y], [-z, 0, x], [y, -x, 0]]
    moved: Array = jacobian @ covariance @ jacobian.T
    return moved
