"""The images of a rosbag2 recording as frames, read without ROS."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import pose_from_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)
POSE_TYPE = 'geometry_msgs/msg/PoseStamped'


class ImageBag:
    """The images of one topic, raw or compressed, each with its camera; a context manager."""

    def __init__(
        self,
        path: Path,
        image_topic: str = '',
        camera_info_topic: str = '',
        rectify: bool = False,
    ) -> None:
        """Open the bag. A topic that is left out is the bag's only one of its kind.

        :param path: folder of a rosbag2 recording (MCAP or SQLite).
        :param rectify: whether the images are raw and are to be rectified here.
        :raises InputError: no such bag, or none or several topics to choose from.
        """
        self._path = path
        self._frame_reader = MessageReader(rectify)
        self._reader = _opened(path)
        try:
            self._images = self._choose(image_topic, IMAGE_TYPES, 'image')
            self._infos = self._choose(camera_info_topic, CAMERA_INFO_TYPES, 'camera-info')
        except InputError:
            self._reader.close()
            raise
        self.image_topic = self._images[0].topic
        self.camera_info_topic = self._infos[0].topic

    def __enter__(self) -> ImageBag:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.close()

    def __len__(self) -> int:
        """Return the number of images in the whole bag."""
        return sum(connection.msgcount for connection in self._images)

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the images recorded from `start_s` to `end_s` seconds after the bag's beginning.

        An image goes with the camera_info of its own stamp, or else with the last before it.

        :raises InputError: an image or a camera_info cannot be used, or they do not fit together.
        """
        infos = sorted(
            ((_stamp_ns(message), message) for _, message in self._messages(self._infos)),
            key=lambda item: item[0],
        )
        stamps = [stamp_ns for stamp_ns, _ in infos]
        begin = self._reader.start_time
        for recorded_ns, message in self._messages(self._images):
            if not start_s <= (recorded_ns - begin) / 1e9 <= end_s:
                continue
            info = infos[max(bisect.bisect_right(stamps, _stamp_ns(message)) - 1, 0)][1]
            yield self._frame_reader.read(message, info, self.image_topic)

    def poses(self) -> Trajectory | None:
        """Return the poses of the bag's only PoseStamped topic; None where it has not just one.

        :raises InputError: a pose is not one.
        """
        found = [c for c in self._reader.connections if c.msgtype == POSE_TYPE and c.msgcount]
        if len({connection.topic for connection in found}) != 1:
            return None
        messages = sorted((message for _, message in self._messages(found)), key=_stamp_ns)
        return Trajectory(
            np.array([_stamp_ns(message) for message in messages], dtype=np.int64),
            np.array([_pose(message.pose) for message in messages]),
        )

    def _messages(self, connections: list[Connection]) -> Iterator[tuple[int, Any]]:
        for connection, recorded_ns, data in self._reader.messages(connections):
            yield recorded_ns, self._reader.deserialize(data, connection.msgtype)

    def _choose(self, topic: str, types: tuple[str, ...], kind: str) -> list[Connection]:
        candidates = [c for c in self._reader.connections if c.msgtype in types and c.msgcount]
        topics = sorted({connection.topic for connection in candidates})
        named = ', '.join(topics)
        if not topics:
            raise InputError(
                f'bag {self._path} has no {kind} messages ({" or ".join(types)}):'
                " record the camera's image_rect and camera_info"
            )
        if topic and topic not in topics:
            raise InputError(f'bag {self._path} has no {kind} topic {topic}; it has: {named}')
        if not topic and len(topics) > 1:
            raise InputError(
                f'bag {self._path} has several {kind} topics ({named}):'
                f' choose one with --{kind}-topic'
            )
        return [connection for connection in candidates if connection.topic == (topic or topics[0])]


def _opened(path: Path) -> AnyReader:
    if not path.is_dir():
        raise InputError(f'bag {path}: no such folder; give the folder of a rosbag2 recording')
    try:
        # Bags written before ROS 2 Iron do not describe their message types themselves.
        reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
        reader.open()
    except (AnyReaderError, OSError) as error:
        reason = ' '.join(str(error).split())
        raise InputError(f'bag {path} cannot be read as a rosbag2 recording: {reason}') from error
    return reader


def _stamp_ns(message: Any) -> int:
    return stamp_to_ns(message.header.stamp)


def _pose(pose: Any) -> NDArray[np.float64]:
    p, q = pose.position, pose.orientation
    return pose_from_numbers((p.x, p.y, p.z, q.x, q.y, q.z, q.w))
