"""Poses in messages of any library."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types.pose import pose_from_numbers


def pose_from_message(pose: Any) -> NDArray[np.float64]:
    """Return the pose [4, 4] of a `geometry_msgs/Pose`.

    :raises InputError: not finite, or a quaternion of length zero.
    """
    return _pose(pose.position, pose.orientation)


def pose_from_transform(transform: Any) -> NDArray[np.float64]:
    """Return the pose [4, 4], from child to parent, of a `geometry_msgs/Transform`.

    :raises InputError: not finite, or a quaternion of length zero.
    """
    return _pose(transform.translation, transform.rotation)


def _pose(position: Any, orientation: Any) -> NDArray[np.float64]:
    numbers = (position.x, position.y, position.z)
    return pose_from_numbers((*numbers, orientation.x, orientation.y, orientation.z, orientation.w))
