"""The tree of frames over time, without ROS communication."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import numpy as np
from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time
from scipy.spatial.transform import Rotation

from tf2_ros.exceptions import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)
from tf2_ros.history import IDENTITY, History, Link, Pose, StaticHistory

# How far a quaternion's length may be from 1.
_NORM_TOLERANCE = 1e-2


@dataclass
class _Chain:
    """A frame's pose in each of its ancestors, nearest first, itself included."""

    poses: dict[str, Pose]
    latest: dict[str, float]  # newest stamp that every link up to that ancestor can be had at
    broken: ExtrapolationException | None = field(default=None)  # why it does not go further


class BufferCore:
    """Keeps transforms for `cache_time` (10 s by default) and chains them; safe with threads."""

    def __init__(self, cache_time: Duration | None = None) -> None:
        self._cache_time = (cache_time or Duration(seconds=10)).nanoseconds
        self._lock = threading.RLock()
        self._frames: set[str] = set()
        self._histories: dict[str, History | StaticHistory] = {}

    def clear(self) -> None:
        """Forget every transform that is not static."""
        with self._lock:
            self._histories = {
                frame: history
                for frame, history in self._histories.items()
                if isinstance(history, StaticHistory)
            }

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

        :raises InvalidArgumentException: a frame's name is empty or begins with a slash.
        :raises LookupException: a frame is not known, or the tree has a loop.
        :raises ConnectivityException: the frames are not in one tree.
        :raises ExtrapolationException: a link on the way has no data for that time.
        """
        with self._lock:
            self._check_frame(target_frame, 'target_frame')
            self._check_frame(source_frame, 'source_frame')
            stamp = _nanoseconds(time) or self._latest_common(target_frame, source_frame)
            target, source = self._chain(target_frame, stamp), self._chain(source_frame, stamp)
            common = _common_ancestor(target, source, target_frame, source_frame)
            pose = target.poses[common].inverse() @ source.poses[common]
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
        problem = _problem(parent, child, transform)
        if problem:
            get_logger('tf2_buffer').error(
                f'ignoring transform from "{parent}" to "{child}" of {authority}: {problem}'
            )
            return
        link = Link(_nanoseconds(transform.header.stamp), parent, _pose(transform))
        with self._lock:
            self._frames |= {parent, child}
            history = self._histories.get(child)
            if history is None or isinstance(history, StaticHistory) != static:
                history = StaticHistory() if static else History(self._cache_time)
                self._histories[child] = history
            history.insert(link)

    def _check_frame(self, frame: str, argument: str) -> None:
        where = f'lookupTransform argument {argument}'
        if not frame:
            raise InvalidArgumentException(f'{where}: frame_ids cannot be empty')
        if frame.startswith('/'):
            raise InvalidArgumentException(f'{where}: "{frame}" cannot start with a "/"')
        if frame not in self._frames:
            raise LookupException(f'"{frame}" passed to {where} does not exist.')

    def _chain(self, frame: str, stamp: int) -> _Chain:
        chain = _Chain({frame: IDENTITY}, {frame: math.inf})
        pose, latest = IDENTITY, math.inf
        while history := self._histories.get(frame):
            try:
                link = history.at(stamp)
            except ExtrapolationException as error:
                chain.broken = error
                break
            if link.parent in chain.poses:
                raise LookupException('The tf tree is invalid because it contains a loop.')
            frame, pose, latest = link.parent, link.pose @ pose, min(latest, history.latest)
            chain.poses[frame], chain.latest[frame] = pose, latest
        return chain

    def _latest_common(self, target_frame: str, source_frame: str) -> int:
        """Return the newest stamp that all links have, in nanoseconds; 0 if all are static."""
        target, source = self._chain(target_frame, 0), self._chain(source_frame, 0)
        common = _common_ancestor(target, source, target_frame, source_frame)
        latest = min(target.latest[common], source.latest[common])
        if target_frame == source_frame and target_frame in self._histories:
            latest = self._histories[target_frame].latest
        return int(latest) if math.isfinite(latest) else 0


def _common_ancestor(target: _Chain, source: _Chain, target_frame: str, source_frame: str) -> str:
    for frame in target.poses:
        if frame in source.poses:
            return frame
    broken = source.broken or target.broken
    if broken:
        looking = f'when looking up transform from frame [{source_frame}] to frame [{target_frame}]'
        raise ExtrapolationException(f'{broken}, {looking}')
    raise ConnectivityException(
        f"Could not find a connection between '{target_frame}' and '{source_frame}' because they"
        ' are not part of the same tree. Tf has two or more unconnected trees.'
    )


def _problem(parent: str, child: str, transform: TransformStamped) -> str:
    """Return what is wrong with a transform, or nothing."""
    if not parent or not child:
        return 'frame_id and child_frame_id must not be empty'
    if parent == child:
        return 'frame_id and child_frame_id are the same'
    numbers = _numbers(transform)
    if not np.isfinite(numbers).all():
        return 'it holds a value that is not finite'
    if abs(float(np.linalg.norm(numbers[3:])) - 1) > _NORM_TOLERANCE:
        return 'its quaternion is not of length 1'
    return ''


def _numbers(transform: TransformStamped) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
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
