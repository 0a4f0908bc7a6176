"""Poses around one that is roughly known."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import qmc

from mesh_reloc_ros.geometry import se3
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene

# How far they reach: as a share of the distance of what is seen, and in radians.
_REACH, _REACH_ANGLE = 0.35, math.radians(25)
_SIDE_PX = 32


def poses_around(
    scene: Scene, hint: NDArray[np.float64], camera: Camera, count: int
) -> NDArray[np.float64]:
    """Return the pose `hint` [4, 4] and others around it, [count, 4, 4], spread evenly.

    They fill the ball of translations and that of rotations, both denser towards the middle, along
    Sobol's sequence (I. M. Sobol, 1967), which is the same every time.
    """
    points = qmc.Sobol(6, scramble=False).random_base2(math.ceil(math.log2(count + 1)))[1:count]
    reach = np.repeat([_REACH * _distance(scene, hint, camera), _REACH_ANGLE], 3)
    twists = (2 * points - 1) * reach
    # The corners of the cube are farther off than anybody's hint.
    motions = se3.exp(torch.from_numpy(twists)).numpy()
    return np.concatenate((hint[None], hint @ motions))


def _distance(scene: Scene, pose: NDArray[np.float64], camera: Camera) -> float:
    """Return the median distance, metres, of what is seen from a pose, or of the mesh's middle."""
    level = 0
    while min(camera.width, camera.height) >> (level + 1) >= _SIDE_PX:
        level += 1
    depth = scene.render(torch.from_numpy(pose), camera.at_level(level)).depth
    seen = depth[depth > 0]
    if len(seen):
        return float(seen.median())
    return float(np.linalg.norm(np.median(scene.mesh.vertices, axis=0) - pose[:3, 3]))
