"""Brings recorded images together with their camera_info and odometry."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info_buffer import CameraInfoBuffer
from mesh_reloc_ros.messages.poses import pose_from_transform
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.recordings._transform_buffer import TransformBuffer, TransformError
from mesh_reloc_ros.timeline import TimeEvent, TimelineMonitor, is_leftover

_LOOK_AHEAD_NS = 1_000_000_000
"""How much later than its image a camera_info or a transform may have been recorded."""


class Synchronized(NamedTuple):
    """An image with what was recorded about it."""

    image: Any
    """`sensor_msgs/Image` or `CompressedImage`."""
    info: Any
    """`sensor_msgs/CameraInfo`; None if images do not wait for one."""
    odom_T_camera: NDArray[np.float64] | None
    """[4, 4], metres; None if unknown."""
    recorded_ns: int
    """When the image was recorded."""


class _Waiting(NamedTuple):
    recorded_ns: int
    stamp_ns: int
    image: Any
    fallback: Any
    """The newest camera_info when the image was recorded."""


class Synchronizer:
    """Takes messages in the order of recording and releases images that are complete.

    The rules are those of the node, with the time of recording in place of the time of arrival: an
    image waits for the camera_info of its stamp and for odometry, and goes without after a while.
    After a jump back, camera_info and transforms of before are forgotten.
    """

    def __init__(self, first_info: Any, odom_frame: str = '', camera_frame: str = '') -> None:
        """Begin without an image.

        :param first_info: serves images that were recorded before any camera_info; None: images do
            not wait for one.
        :param odom_frame: look up the camera in this frame; empty: without odometry.
        :param camera_frame: the camera's optical frame; empty: the image's own `frame_id`.
        """
        self.without_odometry = 0
        """Number of images that were released without the odometry that was asked for."""
        self.odometry_problem = ''
        """Why the last of them has none, one line."""
        self._odom_frame = odom_frame
        self._camera_frame = camera_frame
        self._infos = CameraInfoBuffer()
        self._awaits_infos = first_info is not None
        if self._awaits_infos:
            self._infos.add(first_info)
        self._transforms = TransformBuffer()
        self._timeline = TimelineMonitor(restart_after_s=math.inf)
        # When the last jump back was recorded, and the stamp of the last image before it.
        self._jump = -math.inf, 0
        self._waiting: deque[_Waiting] = deque()

    @property
    def is_waiting(self) -> bool:
        """Whether an image waits for what belongs to it."""
        return bool(self._waiting)

    def add_info(self, info: Any) -> None:
        """Take a camera_info."""
        self._infos.add(info)

    def add_static_transforms(self, message: Any) -> None:
        """Take a `tf2_msgs/TFMessage` of /tf_static."""
        for transform in message.transforms:
            parent, child, pose = _link(transform)
            if pose is not None:
                self._transforms.add_static(parent, child, pose)

    def add_transforms(self, message: Any, recorded_ns: int) -> None:
        """Take a `tf2_msgs/TFMessage` of /tf."""
        for transform in message.transforms:
            stamp_ns = stamp_to_ns(transform.header.stamp)
            parent, child, pose = _link(transform)
            if pose is not None and not self._is_leftover(stamp_ns, recorded_ns):
                self._transforms.add(stamp_ns, parent, child, pose)

    def add_image(self, image: Any, recorded_ns: int) -> Iterator[Synchronized]:
        """Take an image; yield those that waited for what belongs to the time before a jump."""
        stamp_ns, before_ns = stamp_to_ns(image.header.stamp), self._timeline.last_ns
        if self._timeline.advance(stamp_ns) is TimeEvent.JUMP_BACK and before_ns is not None:
            yield from self.release(math.inf)
            self._infos.jump_back(before_ns)
            self._transforms.clear()
            self._jump = recorded_ns, before_ns
        self._waiting.append(_Waiting(recorded_ns, stamp_ns, image, self._infos.newest))

    def release(self, recorded_ns: float) -> Iterator[Synchronized]:
        """Yield images that are complete, or have waited long enough at a time of recording."""
        while self._waiting:
            waiting = self._waiting[0]
            info, (odometry, problem) = self._infos.at(waiting.stamp_ns), self._odometry(waiting)
            is_complete = (info is not None or not self._awaits_infos) and not problem
            if not is_complete and recorded_ns - waiting.recorded_ns <= _LOOK_AHEAD_NS:
                return
            self._waiting.popleft()
            if problem:
                self.without_odometry += 1
                self.odometry_problem = problem
            yield Synchronized(
                waiting.image, info or waiting.fallback, odometry, waiting.recorded_ns
            )

    def _odometry(self, waiting: _Waiting) -> tuple[NDArray[np.float64] | None, str]:
        """Return odom_T_camera [4, 4] at an image, or why there is none."""
        if not self._odom_frame:
            return None, ''
        camera = self._camera_frame or waiting.image.header.frame_id.lstrip('/')
        try:
            found = self._transforms.lookup(self._odom_frame, camera, waiting.stamp_ns)
        except TransformError as error:
            return None, f'no transform {self._odom_frame} -> {camera}: {error}'
        return found, ''

    def _is_leftover(self, stamp_ns: int, recorded_ns: int) -> bool:
        """Whether a transform of before a jump back was recorded after it."""
        jumped_ns, before_ns = self._jump
        passed_s = (recorded_ns - jumped_ns) * 1e-9
        return is_leftover(stamp_ns, before_ns, self._timeline.last_ns or 0, passed_s)


def _link(transform: Any) -> tuple[str, str, NDArray[np.float64] | None]:
    """Return parent, child and pose [4, 4] of a transform; None for what is not a pose."""
    parent, child = transform.header.frame_id, transform.child_frame_id
    try:
        pose = pose_from_transform(transform.transform)
    except InputError:
        # As tf2 does it.
        pose = None
    return parent.lstrip('/'), child.lstrip('/'), pose
