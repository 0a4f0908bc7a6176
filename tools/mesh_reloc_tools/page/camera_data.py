"""Cameras and poses as data of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Length of a camera in the picture, as a share of the size of the mesh.
_LENGTH = 0.025


def camera_data(scene: Scene, camera: Camera) -> dict[str, Any]:
    """Return the camera, and how large cameras are drawn."""
    low, high = np.percentile(scene.mesh.vertices, (1, 99), axis=0)
    return {'camera': asdict(camera), 'depth': _LENGTH * float(np.linalg.norm(high - low))}


def pose_data(map_T_camera: Array, origin: Array) -> list[float]:
    """Return the rows of [R | t] of a pose [4, 4] in the map, about the origin of the mesh."""
    rows = map_T_camera[:3].copy()
    rows[:, 3] -= origin
    return [round(value, 5) for value in rows.ravel().tolist()]


def way_data(
    poses: Sequence[Array | None], joined: ArrayLike, trusted: ArrayLike, origin: Array
) -> dict[str, Any]:
    """Return a trajectory.

    :param poses: N poses map_T_camera [4, 4]; None: not known. :param joined: [N], whether a pose
        follows the one before without a gap. :param trusted: [N]. :param origin: of the mesh, [3].
    """
    return {
        'poses': [None if pose is None else pose_data(pose, origin) for pose in poses],
        'joined': np.asarray(joined).tolist(),
        'trusted': np.asarray(trusted).tolist(),
    }
