"""Sample poses around a pose that is roughly known."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from scipy.stats import norm, qmc

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array, se3
from mesh_reloc_ros.types.camera import Camera

# Range of the samples: a share of the depth of the view, and radians. Larger errors are mostly
# found too, since each sample is aligned.
_REACH, _REACH_ANGLE = 0.38, math.radians(28)
# With a covariance: the range in standard deviations, and the deviation that is added in every
# direction, as a share of the depth and in radians.
_SIGMAS = 2.5
_LEAST_SHARE, _LEAST_ANGLE = 0.08, math.radians(5)
# A larger deviation, as a share of the mesh's diagonal and in radians, makes a hint useless.
_WIDEST_SHARE, _WIDEST_ANGLE = 0.25, math.radians(60)
_SIDE_PX = 32


def sample_poses(
    scene: Scene, hint: Array, camera: Camera, count: int, covariance: Array | None = None
) -> Array:
    """Return the pose `hint` [4, 4] and others around it, [count, 4, 4].

    Distances and angles are distributed evenly up to the range, in all directions: small errors of
    a hint are more frequent than large ones. With a covariance, samples follow it up to 2.5
    standard deviations, plus a small deviation in every direction, since some sources give a
    variance of 0 for unknown directions. The samples follow Sobol's sequence (I. M. Sobol, 1967),
    which leaves no gaps and is always the same.

    :param covariance: [6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed axes.
    """
    power = math.ceil(math.log2(max(count, 2)))
    # The sequence begins with the corner of the cube, where normal deviates are infinite.
    shares = qmc.Sobol(6, scramble=False).random_base2(power)[1:count]
    distance = _distance(scene, hint, camera)
    if covariance is not None:
        return np.concatenate((hint[None], _moved(hint, _spread(shares, covariance, distance))))
    shifts = _REACH * distance * _in_ball(shares[:, :3])
    turns = _REACH_ANGLE * _in_ball(shares[:, 3:])
    motions = se3.exp(torch.from_numpy(np.hstack((np.zeros_like(turns), turns)))).numpy()
    motions[:, :3, 3] = shifts
    return np.concatenate((hint[None], hint @ motions))


def is_uninformative(scene: Scene, covariance: Array) -> bool:
    """Whether a covariance [6, 6] allows almost any position in the mesh, or any rotation."""
    metres, radians = (
        math.sqrt(max(np.linalg.eigvalsh(block)[-1], 0.0))
        for block in (covariance[:3, :3], covariance[3:, 3:])
    )
    size = float(np.linalg.norm(np.ptp(scene.mesh.vertices, axis=0)))
    return metres > _WIDEST_SHARE * size or radians > _WIDEST_ANGLE


def _spread(shares: Array, covariance: Array, distance: float) -> Array:
    """Return normal deviations [N, 6] of a covariance for shares [N, 6] of the unit cube."""
    least = np.repeat([_LEAST_SHARE * distance, _LEAST_ANGLE], 3)
    within = norm.cdf(-_SIGMAS) + shares * (1 - 2 * norm.cdf(-_SIGMAS))
    return np.asarray(norm.ppf(within) @ np.linalg.cholesky(covariance + np.diag(least**2)).T)


def _moved(pose: Array, deviations: Array) -> Array:
    """Return a pose [4, 4] shifted and turned by [N, 6] about the map's axes, [N, 4, 4]."""
    poses = np.tile(pose, (len(deviations), 1, 1))
    poses[:, :3, 3] += deviations[:, :3]
    poses[:, :3, :3] = Rotation.from_rotvec(deviations[:, 3:]).as_matrix() @ pose[:3, :3]
    return poses


def _in_ball(shares: Array) -> Array:
    """Return vectors [N, 3] up to a length of 1 for shares [N, 3] of the unit cube.

    Uniform shares give uniform lengths and uniform directions.
    """
    length, height, turn = shares[:, 0], 2 * shares[:, 1] - 1, 2 * np.pi * shares[:, 2]
    radius = np.sqrt(1 - height**2)
    direction = np.column_stack((radius * np.cos(turn), radius * np.sin(turn), height))
    return np.asarray(length[:, None] * direction)


def _distance(scene: Scene, pose: Array, camera: Camera) -> float:
    """Return the median depth of the view from a pose, metres, or the distance to the mesh."""
    level = 0
    while min(camera.width, camera.height) >> (level + 1) >= _SIDE_PX:
        level += 1
    depth = scene.render(torch.from_numpy(pose), camera.at_level(level)).depth
    seen = depth[depth > 0]
    if len(seen):
        return float(seen.median())
    return float(np.linalg.norm(np.median(scene.mesh.vertices, axis=0) - pose[:3, 3]))
