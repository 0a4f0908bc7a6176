"""The buffer of transforms, without waiting and without ROS communication."""

from __future__ import annotations

import threading

import numpy as np
from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time
from scipy.spatial.transform import Rotation

from tf2_ros.exceptions import InvalidArgumentException, LookupException, TransformException
from tf2_ros.frame_tree import FrameTree
from tf2_ros.history import IDENTITY, Link, Pose


class BufferCore:
    """Keeps transforms for `cache_time` (10 s by default) and chains them; safe with threads."""

    def __init__(self, cache_time: Duration | None = None) -> None:
        self._tree = FrameTree((cache_time or Duration(seconds=10)).nanoseconds)
        self._lock = threading.RLock()

    def clear(self) -> None:
        """Forget every transform that is not static."""
        with self._lock:
            self._tree.clear()

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Add a transform at its stamp; one that is not valid is logged and left out."""
        self._insert(transform, authority, static=False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Add a transform that holds at all times; one that is not valid is left out."""
        self._insert(transform, authority, static=True)

    def lookup_transform_core(
        self, target_frame: str, source_frame: str, time: Time | TimeMsg
    ) -> TransformStamped:
        """Return `target_T_source` at `time`; Time() stands for the latest that all links have.

        A frame seen from itself does not move, even one that is not known.

        :raises InvalidArgumentException: a frame's name is empty or begins with a slash.
        :raises LookupException: a frame is not known, or the tree has a loop.
        :raises ConnectivityException: the frames are not in one tree.
        :raises ExtrapolationException: a link on the way has no data for that time.
        """
        stamp = _nanoseconds(time)
        with self._lock:
            if target_frame == source_frame:
                stamp, pose = stamp or self._tree.newest_stamp(target_frame), IDENTITY
            else:
                self._check_frame(target_frame, 'target_frame')
                self._check_frame(source_frame, 'source_frame')
                stamp = stamp or self._tree.newest_common_stamp(target_frame, source_frame)
                pose = self._tree.pose(target_frame, source_frame, stamp)
        return _message(target_frame, source_frame, stamp, pose)

    def can_transform_core(
        self, target_frame: str, source_frame: str, time: Time | TimeMsg
    ) -> tuple[bool, str]:
        """Say whether the lookup would succeed, and why not."""
        try:
            self.lookup_transform_core(target_frame, source_frame, time)
        except TransformException as error:
            return False, str(error)
        return True, ''

    def _insert(self, transform: TransformStamped, authority: str, *, static: bool) -> None:
        parent = transform.header.frame_id.removeprefix('/')
        child = transform.child_frame_id.removeprefix('/')
        logger = get_logger('tf2_buffer')
        problem = _problem(parent, child, transform)
        if problem:
            logger.error(
                f'ignoring transform from "{parent}" to "{child}" of {authority}: {problem}'
            )
            return
        link = Link(_nanoseconds(transform.header.stamp), parent, _pose(transform))
        with self._lock:
            taken = self._tree.insert(child, link, static=static)
        if not taken:
            logger.warning(f'ignoring data from the past for frame "{child}" of {authority}')

    def _check_frame(self, frame: str, argument: str) -> None:
        where = f'passed to lookupTransform argument {argument}'
        if not frame:
            raise InvalidArgumentException(
                f'Invalid argument "{frame}" {where} - in tf2 frame_ids cannot be empty'
            )
        if frame.startswith('/'):
            raise InvalidArgumentException(
                f'Invalid argument "{frame}" {where} - in tf2 frame_ids cannot start with a \'/\''
            )
        if frame not in self._tree:
            raise LookupException(f'"{frame}" {where} does not exist. ')


def _problem(parent: str, child: str, transform: TransformStamped) -> str:
    """Return what is wrong with a transform, or nothing."""
    if not parent or not child:
        return 'frame_id and child_frame_id must not be empty'
    if parent == child:
        return 'frame_id and child_frame_id are the same'
    numbers = _numbers(transform)
    if np.isnan(numbers).any():
        return 'it holds nan'
    # Any other quaternion is normalized, and infinite translations are taken, as by the real one.
    if not np.isfinite(numbers[3:]).all() or not numbers[3:].any():
        return 'its quaternion is not valid'
    return ''


def _numbers(transform: TransformStamped) -> NDArray[np.float64]:
    t, q = transform.transform.translation, transform.transform.rotation
    return np.array([t.x, t.y, t.z, q.x, q.y, q.z, q.w])


def _pose(transform: TransformStamped) -> Pose:
    numbers = _numbers(transform)
    return Pose(Rotation.from_quat(numbers[3:]), numbers[:3])


def _message(target_frame: str, source_frame: str, stamp: int, pose: Pose) -> TransformStamped:
    message = TransformStamped()
    message.header.frame_id, message.child_frame_id = target_frame, source_frame
    message.header.stamp = Time(nanoseconds=stamp).to_msg()
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = (float(value) for value in pose.translation)
    q.x, q.y, q.z, q.w = (float(value) for value in pose.rotation.as_quat())
    return message


def _nanoseconds(time: Time | TimeMsg) -> int:
    """Return nanoseconds of a time or, as the real buffer takes them, of a message's stamp."""
    stamp = Time.from_msg(time) if isinstance(time, TimeMsg) else time
    return int(stamp.nanoseconds)
