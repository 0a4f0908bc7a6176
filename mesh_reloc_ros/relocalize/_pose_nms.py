"""Non-maximum suppression of poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types import Array


def nms_poses(
    map_T_camera: Array, distance: Array, near: float, angle: float, count: int
) -> NDArray[np.int64]:
    """Return the indices of up to `count` distinct poses of [N, 4, 4], best first.

    Two poses are duplicates if they differ by less than both limits.

    :param distance: [N], metres, from each pose to the mesh.
    :param near: limit of the position, as a share of that distance. :param angle: radians.
    """
    left = np.ones(len(map_T_camera), dtype=bool)
    chosen: list[int] = []
    while left.any() and len(chosen) < count:
        best = int(left.argmax())
        chosen.append(best)
        left &= ~same(map_T_camera, map_T_camera[best], near * distance[best], angle)
        left[best] = False
    return np.array(chosen, dtype=np.int64)


def same(map_T_camera: Array, other: Array, metres: float, radians: float) -> NDArray[np.bool_]:
    """Return which poses [N, 4, 4] are within both limits of another [4, 4]."""
    moved = np.linalg.norm(map_T_camera[:, :3, 3] - other[:3, 3], axis=1)
    trace = np.einsum('nij,ij->n', map_T_camera[:, :3, :3], other[:3, :3])
    return np.asarray((moved < metres) & (trace > 1 + 2 * np.cos(radians)))
