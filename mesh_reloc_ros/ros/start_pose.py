"""Where the tracker starts: start poses given by parameter, by message or by service."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros.conversions import pose_from_message

_Pose = NDArray[np.float64]
_FLAT = 1e-6
"""Height in metres, and quaternion x and y, below which a message is a 2-D pose."""


@dataclass(frozen=True)
class Start:
    """What the tracker is to begin with."""

    map_T_camera: _Pose | None
    """[4, 4], metres; None: nothing is known, the camera is searched for."""


class StartPoses:
    """The start pose and the last trusted pose, and what the tracker is to begin with next.

    Requests come from the executor's thread; the worker takes them before its next image.
    """

    def __init__(self, given: _Pose | None, can_search: bool) -> None:
        """Start at `given`, [4, 4], where there is one, else with a search where that is possible.

        :param can_search: whether the tracker can do without a start pose.
        """
        self._lock = threading.Lock()
        self._can_search = can_search
        self._given = given
        self._trusted: _Pose | None = None
        self._requested: Start | None = None
        self.reset()

    def give(self, pose: _Pose) -> None:
        """Start at a pose [4, 4] that the user gave, and come back to it on reset."""
        with self._lock:
            self._given, self._requested = pose, Start(pose)
            self._trusted = None

    def trust(self, pose: _Pose) -> None:
        """Remember a pose [4, 4] that was published."""
        with self._lock:
            self._trusted = pose

    def reset(self) -> str:
        """Forget all trusted poses and ask for a start as at the beginning; see `relocalize`."""
        with self._lock:
            self._trusted = None
            return self.__request(self._given)

    def relocalize(self) -> str:
        """Ask for a search, or where none is possible for the last trusted pose or start pose.

        :returns: what the tracker will begin with, '' where there is nothing.
        """
        with self._lock:
            return self.__request(None if self._can_search else self.__latest())

    def take(self) -> Start | None:
        """Return what was asked for once, None where nothing was."""
        with self._lock:
            requested, self._requested = self._requested, None
            return requested

    @property
    def latest(self) -> _Pose | None:
        """The last trusted pose, else the start pose, [4, 4]; None where there is neither."""
        with self._lock:
            return self.__latest()

    def __latest(self) -> _Pose | None:
        return self._trusted if self._trusted is not None else self._given

    def __request(self, pose: _Pose | None) -> str:
        if pose is None and not self._can_search:
            return ''
        self._requested = Start(pose)
        if pose is None:
            return 'a search of the whole mesh'
        return 'the last trusted pose' if pose is self._trusted else 'the start pose'


def start_pose_from_message(
    message: PoseWithCovarianceStamped, map_frame: str, reference: _Pose | None
) -> tuple[_Pose, bool]:
    """Return the start pose [4, 4] that a message means, and whether it was a 2-D pose.

    RViz gives a 2-D pose: no height, roll or pitch, and the heading in which the camera looks.
    It takes height and tilt from the `reference` pose; without one it is taken as it stands.

    :raises InputError: wrong frame, not finite, or a quaternion of length zero.
    """
    frame = message.header.frame_id.lstrip('/')
    if frame != map_frame:
        raise InputError(
            f'initialpose is in frame {frame!r}, not in {map_frame!r}: send it in {map_frame!r}'
            ' (in RViz: Global Options, Fixed Frame)'
        )
    try:
        pose = pose_from_message(message.pose.pose)
    except InputError as error:
        raise InputError(f'initialpose: {error}') from error
    orientation = message.pose.pose.orientation
    flat = max(abs(pose[2, 3]), abs(orientation.x), abs(orientation.y)) < _FLAT
    if reference is None or not flat:
        return pose, False
    return _with_height_and_tilt(pose, reference), True


def _with_height_and_tilt(pose: _Pose, reference: _Pose) -> _Pose:
    """Turn the reference about the map's z axis to the heading of a 2-D pose, and move it there."""
    heading = np.arctan2(pose[1, 0], pose[0, 0])
    ahead = _ahead(reference[:3, :3])
    turn = Rotation.from_euler('z', heading - np.arctan2(ahead[1], ahead[0]))
    placed = np.eye(4)
    placed[:3, :3] = turn.as_matrix() @ reference[:3, :3]
    placed[:3, 3] = pose[0, 3], pose[1, 3], reference[2, 3]
    return placed


def _ahead(rotation: _Pose) -> _Pose:
    """Return the direction in the map in which an optical frame looks, as seen from above."""
    forward: _Pose = rotation[:, 2]
    if np.hypot(forward[0], forward[1]) > 0.1:
        return forward
    # Looking straight down or up: ahead is where the image's top or bottom points.
    return rotation[:, 1] * np.sign(forward[2])
