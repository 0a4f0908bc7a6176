"""Odometry for tests: the truth in a frame of its own, with the errors that wheels make."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def motion(metres: Array, degrees: Array) -> Array:
    """Return a motion [4, 4] from a shift [3] and a rotation vector [3]."""
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_rotvec(degrees, degrees=True).as_matrix()
    moved[:3, 3] = metres
    return moved


SOMEWHERE = motion(np.array([7.0, -3.0, 1.0]), np.array([20.0, 100.0, -40.0]))


def exactly(map_T_camera: Array) -> Array:
    """Return odom_T_camera [4, 4] without errors."""
    return np.asarray(SOMEWHERE @ map_T_camera)


class Wheels:
    """Odometry that is off by a share of every motion, and by a steady drift."""

    def __init__(
        self,
        scale: float = 1.05,
        slip_m_s: float = 0.02,
        drift_deg_s: float = 1.0,
    ) -> None:
        self._scale = scale
        self._slip, self._drift = np.array([0, 0, slip_m_s]), np.array([0, drift_deg_s, 0])
        self._last: tuple[float, Array] | None = None
        self._odom_T_camera = SOMEWHERE

    def at(self, ms: float, map_T_camera: Array) -> Array:
        """Return odom_T_camera [4, 4] at a time, after those before."""
        if self._last is not None:
            passed_s, moved = 1e-3 * (ms - self._last[0]), np.linalg.inv(self._last[1])
            moved = moved @ map_T_camera
            turn = Rotation.from_matrix(moved[:3, :3]).as_rotvec(degrees=True)
            self._odom_T_camera = self._odom_T_camera @ motion(
                self._scale * moved[:3, 3] + passed_s * self._slip,
                self._scale * turn + passed_s * self._drift,
            )
        self._last = ms, map_T_camera
        return self._odom_T_camera
