"""Poses as 4x4 matrices, and as the seven numbers `x y z qx qy qz qw` that users write."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError


def pose_from_numbers(numbers: Sequence[float]) -> NDArray[np.float64]:
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


def pose_from_text(text: str) -> NDArray[np.float64]:
    """Return the pose [4, 4] written as `x y z qx qy qz qw`, separated by spaces or commas.

    :raises InputError: as `pose_from_numbers`, or a word that is not a number.
    """
    try:
        numbers = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError as error:
        raise InputError(f'pose: {error}; expected "x y z qx qy qz qw"') from error
    return pose_from_numbers(numbers)


def pose_to_numbers(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `x y z qx qy qz qw` [7] of a pose [4, 4]; the quaternion is unit, qw >= 0."""
    quaternion = Rotation.from_matrix(pose[:3, :3]).as_quat(canonical=True)
    return np.concatenate((pose[:3, 3], quaternion))
