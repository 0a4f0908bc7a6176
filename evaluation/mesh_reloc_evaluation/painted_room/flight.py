"""The path of the hand-held camera through the room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types.pose import looking_at

FLIGHT_SECONDS = 10.0

# Seconds, position of the camera, and the point it looks at (metres in the map).
WAYPOINTS = (
    (0.0, (1.05, 0.62, 1.52), (4.20, 2.95, 1.15)),
    (2.5, (1.45, 0.52, 1.48), (3.70, 3.50, 1.15)),
    (5.0, (2.10, 0.48, 1.54), (2.80, 3.80, 1.15)),
    (7.5, (2.85, 0.58, 1.58), (1.90, 3.70, 1.05)),
    (10.0, (3.50, 0.85, 1.52), (1.20, 3.40, 1.05)),
)
TREMOR_M = 0.0025
TREMOR_RAD = 0.004
STEP_HZ = 1.8
STEP_M = 0.008


class Flight:
    """A smooth path, with the tremor of a hand and the up and down of steps."""

    def __init__(self, seed: int = 11) -> None:
        times = [time for time, _, _ in WAYPOINTS]
        self._position = CubicSpline(times, [at for _, at, _ in WAYPOINTS], bc_type='clamped')
        self._target = CubicSpline(times, [at for _, _, at in WAYPOINTS], bc_type='clamped')
        rng = np.random.default_rng(seed)
        self._frequencies = rng.uniform(0.7, 7.0, (6, 8))
        self._phases = rng.uniform(0, 2 * np.pi, (6, 8))
        # The amplitude of a hand decreases with the frequency.
        self._amplitudes = 1 / self._frequencies
        self._amplitudes /= np.sqrt((self._amplitudes**2).sum(1, keepdims=True) / 2)

    def pose(self, seconds: float) -> NDArray[np.float64]:
        """Return map_T_camera [4, 4] at a time, clipped to 0 to FLIGHT_SECONDS."""
        held = float(np.clip(seconds, 0, FLIGHT_SECONDS))
        waves = np.sin(2 * np.pi * self._frequencies * seconds + self._phases)
        tremor = (self._amplitudes * waves).sum(1)
        bob = STEP_M * np.array([0, 0, np.sin(2 * np.pi * STEP_HZ * seconds)])
        pose = looking_at(self._position(held), self._target(held), up=(0, 0, 1))
        pose[:3, 3] += TREMOR_M * tremor[:3] + bob
        pose[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec(TREMOR_RAD * tremor[3:]).as_matrix()
        return pose
