"""Poses as 4x4 matrices, and as the seven numbers `x y z qx qy qz qw` that users write."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array


def pose_from_numbers(numbers: Sequence[float]) -> Array:
    """Return the pose [4, 4] of `x y z qx qy qz qw` (metres; any non-zero quaternion).

    :raises InputError: not seven numbers, not finite, or a quaternion of length zero.
    """
    values = np.asarray(numbers, dtype=np.float64)
    if values.shape != (7,):
        raise InputError(f'pose: expected 7 numbers "x y z qx qy qz qw", got {values.size}')
    if not np.isfinite(values).all():
        raise InputError('pose: not all of "x y z qx qy qz qw" are finite numbers')
    if np.linalg.norm(values[3:]) < 1e-6:
        raise InputError('pose: the quaternion is zero; "0 0 0 1" means no rotation')
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(values[3:]).as_matrix()
    pose[:3, 3] = values[:3]
    return pose


def pose_from_text(text: str) -> Array:
    """Return the pose [4, 4] written as `x y z qx qy qz qw`, separated by spaces or commas.

    :raises InputError: as `pose_from_numbers`, or a word that is not a number.
    """
    try:
        numbers = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError as error:
        raise InputError(f'pose: {error}; expected "x y z qx qy qz qw"') from error
    return pose_from_numbers(numbers)


def pose_to_numbers(pose: Array) -> Array:
    """Return `x y z qx qy qz qw` [7] of a pose [4, 4]; the quaternion is unit, qw >= 0."""
    quaternion = Rotation.from_matrix(pose[:3, :3]).as_quat(canonical=True)
    return np.concatenate((pose[:3, 3], quaternion))


def shifted(poses: Array, offset: Array) -> Array:
    """Return poses [..., 4, 4] moved by an offset [3] in metres: about another origin."""
    moved = poses.copy()
    moved[..., :3, 3] += offset
    return moved


def rounded(pose: Array, cell_m: float, cell_rad: float) -> Array:
    """Return the nearest pose [4, 4] of a grid in position and rotation vector.

    Poses that differ by much less than a cell nearly always become the same.
    """
    on_grid = pose.copy()
    on_grid[:3, 3] = cell_m * np.round(pose[:3, 3] / cell_m)
    turn = Rotation.from_matrix(pose[:3, :3]).as_rotvec()
    on_grid[:3, :3] = Rotation.from_rotvec(cell_rad * np.round(turn / cell_rad)).as_matrix()
    return on_grid


def distance(a: Array, b: Array) -> tuple[float, float]:
    """Return the distance in metres and the angle in radians between two poses [4, 4].

    Both are infinite if a pose is not finite.
    """
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf, np.inf
    # The Frobenius norm of the difference of two rotations is sqrt(8) sin(angle / 2).
    sine = np.linalg.norm(a[:3, :3] - b[:3, :3]) / np.sqrt(8)
    angle = 2 * np.arcsin(min(sine, 1.0))
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), float(angle)


def about_map_axes(covariance: Array, map_T_camera: Array) -> Array:
    """Turn the covariance [6, 6] of x in `map_T_camera exp(x)` to the map's axes, the ROS order."""
    rotation = np.zeros((6, 6))
    rotation[:3, :3] = rotation[3:, 3:] = map_T_camera[:3, :3]
    turned = rotation @ covariance @ rotation.T
    # Rounding must not make it asymmetric.
    return 0.5 * (turned + turned.T)


def about_camera_axes(covariance: Array, map_T_camera: Array) -> Array:
    """Turn a covariance [6, 6] about the map's axes to x in `map_T_camera exp(x)`."""
    return about_map_axes(covariance, np.linalg.inv(map_T_camera))


def looking_at(position: ArrayLike, target: ArrayLike, up: ArrayLike) -> Array:
    """Return the pose [4, 4] of a camera's optical frame (x right, y down, z forward).

    :param position: [3], of the camera. :param target: [3], the point in the image's centre.
    :param up: [3], a direction that is upright in the image; not that to the target.
    """
    origin = np.asarray(position, dtype=np.float64)
    forward = np.asarray(target, dtype=np.float64) - origin
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack((right, np.cross(forward, right), forward))
    pose[:3, 3] = origin
    return pose
