"""Initial poses from messages, including the 2-D poses of RViz."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.poses import pose_from_message
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.initial_pose import InitialPose

_FLAT = 1e-6
"""Height in metres, and quaternion x and y, below which a message is a 2-D pose."""
_LENGTH_TOLERANCE = 0.05
"""Of a quaternion, as users round its numbers."""
_PLACE_SIGMAS = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.25])
"""Of a 2-D pose set by hand, x y z rx ry rz; m, rad."""
_TILT_SIGMA = math.radians(20)
"""Of the tilt of a camera about level."""
BASE_T_FORWARD: Array = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""The optical frame of a level camera at a robot's base that looks ahead, along x."""


def start_from_message(
    message: PoseWithCovarianceStamped,
    map_frame: str,
    reference: Array | None,
    heights: tuple[float, float],
    up_axis: str = 'z',
    map_T_frame: Array | None = None,
    source: str = 'initialpose',
) -> tuple[InitialPose, str]:
    """Return the initial pose of a message, and what was added to it, in a few words.

    RViz sends a 2-D pose: without height, roll and pitch, and with the heading of the camera.
    Height and tilt are taken from the `reference` pose map_T_camera [4, 4]. Without a reference the
    camera is level, somewhere between the `heights`, lowest and highest of the mesh along z of the
    message's frame.

    :param up_axis: the setting `relocalization.up_axis`. Z is up in other frames than the map.
    :param map_T_frame: [4, 4], where the message's frame is, if it is not the map; None: unknown.
    :param source: what the message came by, for errors.
    :raises InputError: unknown frame, a 2-D pose where z is not up, not finite, a quaternion of
        length zero, or an invalid covariance.
    """
    frame = message.header.frame_id.lstrip('/')
    if frame == map_frame:
        return _start_in_frame(message, reference, heights, up_axis, source)
    if map_T_frame is None:
        raise InputError(
            f'{source} is in frame {frame!r}, which has no static transform to {map_frame!r}:'
            f' send it in {map_frame!r} (in RViz: Global Options, Fixed Frame)'
        )
    if reference is not None:
        reference = np.linalg.inv(map_T_frame) @ reference
    start, added = _start_in_frame(message, reference, heights, 'z', source)
    covariance = start.covariance
    if covariance is not None:
        turn = np.kron(np.eye(2), map_T_frame[:3, :3])
        covariance = turn @ covariance @ turn.T
    return InitialPose(map_T_frame @ start.map_T_camera, covariance), added


def _start_in_frame(
    message: PoseWithCovarianceStamped,
    reference: Array | None,
    heights: tuple[float, float],
    up_axis: str,
    source: str,
) -> tuple[InitialPose, str]:
    """Do `start_from_message` in the message's frame, as if it was the map."""
    try:
        pose = pose_from_message(message.pose.pose)
    except InputError as error:
        raise InputError(f'{source}: {error}') from error
    orientation = message.pose.pose.orientation
    length = math.hypot(orientation.x, orientation.y, orientation.z, orientation.w)
    if abs(length - 1) > _LENGTH_TOLERANCE:
        raise InputError(
            f'{source}: its quaternion has the length {length:.3g}: a rotation has the length 1'
        )
    covariance = _covariance(message, pose, source)
    is_flat = max(abs(pose[2, 3]), abs(orientation.x), abs(orientation.y)) < _FLAT
    # If z need not point up, the map frame may be that of a camera: the identity is a full pose.
    is_full = up_axis != 'z' and np.array_equal(pose, np.eye(4))
    if not is_flat or is_full:
        return InitialPose(pose, covariance), ''
    if up_axis not in ('z', 'any'):
        raise InputError(
            f'{source} is a 2-D pose, in a map whose up is {up_axis}: send a full pose, with'
            ' height and tilt'
        )
    if reference is not None:
        placed = _with_height_and_tilt(pose, reference)
        return InitialPose(placed, covariance), 'a 2-D pose: height and tilt are kept'
    placed = _with_height_and_tilt(pose, _level_at(sum(heights) / 2))
    wide: Array = np.diag(_PLACE_SIGMAS**2) if covariance is None else covariance
    # The message has no information on height and tilt.
    wide[2:5] = wide[:, 2:5] = 0.0
    # Uniform between the lowest and the highest.
    wide[2, 2] = (heights[1] - heights[0]) ** 2 / 12
    wide[3, 3] = wide[4, 4] = _TILT_SIGMA**2
    return InitialPose(placed, wide), 'a 2-D pose: height and tilt are searched for'


def _covariance(message: PoseWithCovarianceStamped, pose: Array, source: str) -> Array | None:
    """Return the covariance [6, 6] of a message; None if it is all zero.

    :raises InputError: it is not a covariance.
    """
    covariance = np.array(message.pose.covariance, np.float64).reshape(6, 6)
    if not covariance.any():
        return None
    try:
        InitialPose(pose, covariance)
    except InputError as error:
        raise InputError(f'{source}: {error}') from error
    return covariance


def _level_at(height: float) -> Array:
    """Return the pose [4, 4] of a level camera's optical frame that looks along x."""
    pose = BASE_T_FORWARD.copy()
    pose[2, 3] = height
    return pose


def _with_height_and_tilt(pose: Array, reference: Array) -> Array:
    """Turn the reference about the map's z axis to the heading of a 2-D pose, and move it there."""
    heading = np.arctan2(pose[1, 0], pose[0, 0])
    ahead = _ahead(reference[:3, :3])
    turn = Rotation.from_euler('z', heading - np.arctan2(ahead[1], ahead[0]))
    placed = np.eye(4)
    placed[:3, :3] = turn.as_matrix() @ reference[:3, :3]
    placed[:3, 3] = pose[0, 3], pose[1, 3], reference[2, 3]
    return placed


def _ahead(rotation: Array) -> Array:
    """Return the direction in the map in which an optical frame looks, as seen from above."""
    forward: Array = rotation[:, 2]
    if np.hypot(forward[0], forward[1]) > 0.1:
        return forward
    # Looking straight down or up: ahead is where the image's top or bottom points.
    return rotation[:, 1] * np.sign(forward[2])
