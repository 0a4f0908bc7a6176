"""A pose to start from, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array

# Tolerance of the covariance's symmetry and smallest eigenvalue, as a share of its largest entry.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class InitialPose:
    """A pose that the camera may have."""

    map_T_camera: Array
    """[4, 4], metres."""
    covariance: Array | None = None
    """[6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed axes. None: that of
    a usual guess."""

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises InputError: the pose is not a finite 4x4 matrix, or the covariance not a finite 6x6
            matrix, symmetric and without a negative eigenvalue.
        """
        pose, covariance = self.map_T_camera, self.covariance
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            raise InputError('start pose: not a finite 4x4 matrix')
        if covariance is None:
            return
        if covariance.shape != (6, 6) or not np.isfinite(covariance).all():
            raise InputError(
                "the start pose's covariance is not a finite 6x6 matrix: give 36 finite numbers"
            )
        rounding = _ROUNDING * float(np.abs(covariance).max())
        if np.abs(covariance - covariance.T).max() > rounding:
            raise InputError("the start pose's covariance is not symmetric")
        if (np.diag(covariance) < 0).any() or np.linalg.eigvalsh(covariance)[0] < -rounding:
            raise InputError("the start pose's covariance is negative in some direction")
