"""Where the camera is by odometry, from an image whose pose is known in the map, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.se3 import log
from mesh_reloc_ros.types import se3

Array = NDArray[np.float64]

# No camera is faster, m/s and rad/s: odometry that says so has been reset, or is broken.
_FASTEST, _FASTEST_TURN = 30.0, 20.0
# How far a rotation matrix may be from one, as after a way through single precision.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Motion:
    """What odometry makes of the time since an image."""

    map_T_camera: Array
    """[4, 4], metres."""
    velocity: Array
    """Twist [6] per second, in the camera's frame."""


@dataclass(frozen=True)
class OdometryAnchor:
    """A camera in the map and by odometry at the same time."""

    stamp_ns: int
    map_T_camera: Array
    """[4, 4], metres."""
    odom_T_camera: Array
    """[4, 4], metres."""

    def motion_until(self, stamp_ns: int, odom_T_camera: Array | None) -> Motion | None:
        """Return the motion to another stamp, later or earlier; None where it is not believable.

        :param odom_T_camera: [4, 4], by odometry at that stamp; None where that is not known.
        """
        if odom_T_camera is None or not is_pose(odom_T_camera):
            return None
        moved = np.linalg.inv(self.odom_T_camera) @ odom_T_camera
        moved = se3.normalized(torch.from_numpy(moved)).numpy()
        twist, passed_s = log(moved), (stamp_ns - self.stamp_ns) * 1e-9
        # Written so that what is not a number is not believed.
        if not (
            np.linalg.norm(twist[:3]) <= _FASTEST * abs(passed_s)
            and np.linalg.norm(twist[3:]) <= _FASTEST_TURN * abs(passed_s)
        ):
            return None
        velocity = twist / passed_s if passed_s else np.zeros(6)
        return Motion(self.map_T_camera @ moved, velocity)


def is_pose(matrix: Array) -> bool:
    """Whether an array is a pose [4, 4]."""
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        return False
    rotation = matrix[:3, :3]
    return bool(
        np.allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=_ROUNDING)
        and np.linalg.det(rotation) > 0
        and np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=_ROUNDING)
    )
