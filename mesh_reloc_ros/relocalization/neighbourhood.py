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

Array = NDArray[np.float64]

# How far they reach: as a share of the distance of what is seen, and in radians. A hint that is
# farther off is mostly found too, as each pose is aligned.
_REACH, _REACH_ANGLE = 0.38, math.radians(28)
_SIDE_PX = 32


def poses_around(scene: Scene, hint: Array, camera: Camera, count: int) -> Array:
    """Return the pose `hint` [4, 4] and others around it, [count, 4, 4].

    Every distance from it up to the reach is as frequent, and so is every angle, and every
    direction of each: a hint is more often a little off than a lot. They follow Sobol's sequence
    (I. M. Sobol, 1967), which leaves no gaps and is the same every time.
    """
    power = math.ceil(math.log2(max(count, 2)))
    # The sequence begins with the corner of the cube, which says nothing.
    shares = qmc.Sobol(6, scramble=False).random_base2(power)[1:count]
    shifts = _REACH * _distance(scene, hint, camera) * _in_ball(shares[:, :3])
    turns = _REACH_ANGLE * _in_ball(shares[:, 3:])
    motions = se3.exp(torch.from_numpy(np.hstack((np.zeros_like(turns), turns)))).numpy()
    motions[:, :3, 3] = shifts
    return np.concatenate((hint[None], hint @ motions))


def _in_ball(shares: Array) -> Array:
    """Return vectors [N, 3] up to a length of 1 for shares [N, 3] of the unit cube.

    Even shares give even lengths, and directions spread evenly over the sphere.
    """
    length, height, turn = shares[:, 0], 2 * shares[:, 1] - 1, 2 * np.pi * shares[:, 2]
    radius = np.sqrt(1 - height**2)
    direction = np.column_stack((radius * np.cos(turn), radius * np.sin(turn), height))
    return np.asarray(length[:, None] * direction)


def _distance(scene: Scene, pose: Array, camera: Camera) -> float:
    """Return the median distance, metres, of what is seen from a pose, or of the mesh's middle."""
    level = 0
    while min(camera.width, camera.height) >> (level + 1) >= _SIDE_PX:
        level += 1
    depth = scene.render(torch.from_numpy(pose), camera.at_level(level)).depth
    seen = depth[depth > 0]
    if len(seen):
        return float(seen.median())
    return float(np.linalg.norm(np.median(scene.mesh.vertices, axis=0) - pose[:3, 3]))
