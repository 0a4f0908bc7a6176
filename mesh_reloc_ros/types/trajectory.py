"""Trajectories of map_T_camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types import Array


@dataclass(frozen=True)
class Trajectory:
    """Poses by stamp."""

    stamps_ns: NDArray[np.int64]
    """[N], increasing."""
    poses: Array
    """[N, 4, 4] map_T_camera, metres."""

    def __len__(self) -> int:
        return len(self.stamps_ns)
