"""The images of a rosbag2 recording as frames, read without ROS."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.messages.poses import pose_from_message
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.recordings.synchronizer import Synchronized, Synchronizer
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)
POSE_TYPE = 'geometry_msgs/msg/PoseStamped'
TRANSFORMS_TYPE = 'tf2_msgs/msg/TFMessage'


class ImageBag:
    """The images of one topic of a rosbag2 recording, raw or compressed; a context manager."""

    def __init__(
        self,
        path: Path,
        image_topic: str = '',
        camera_info_topic: str = '',
        rectify: bool = False,
        odom_frame: str = '',
        camera_frame: str = '',
    ) -> None:
        """Open the bag. A topic that is left out is the bag's only one of its kind.

        :param path: folder of a rosbag2 recording (MCAP or SQLite).
        :param rectify: rectify the images, which are raw.
        :param odom_frame: give each frame `odom_T_camera` as /tf and /tf_static have it; empty:
            without odometry.
        :param camera_frame: the camera's optical frame in TF; empty: `frame_id` of the images.
        :raises InputError: no such bag, none or several topics to choose from, or no /tf.
        """
        self._path = path
        self._frame_reader = MessageReader(rectify)
        self._odom_frame, self._camera_frame = odom_frame, camera_frame
        self._reader = _opened(path)
        try:
            self._images = self._choose(image_topic, IMAGE_TYPES, 'image')
            self._infos = self._choose(camera_info_topic, CAMERA_INFO_TYPES, 'camera-info')
            self._transforms = self._transform_topics() if odom_frame else []
        except InputError:
            self._reader.close()
            raise
        self.image_topic = self._images[0].topic
        self.camera_info_topic = self._infos[0].topic
        self.odometry_problem = ''
        """How many of the frames lack odometry that was asked for, and why; '' if none."""

    def __enter__(self) -> ImageBag:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.close()

    def __len__(self) -> int:
        """Return the number of images in the whole bag."""
        return sum(connection.msgcount for connection in self._images)

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the images recorded from `start_s` to `end_s` seconds after the bag's beginning.

        An image goes with the camera_info of its own stamp; if there is none, with the last that
        was recorded before it.

        :raises InputError: an image or a camera_info cannot be used, or they do not fit together.
        """
        begin_ns = self._reader.start_time + start_s * 1e9
        end_ns = self._reader.start_time + end_s * 1e9
        for image, info, odom_T_camera in self._synchronized(begin_ns, end_ns):
            frame = self._frame_reader.read(image, info, self.image_topic)
            yield dataclasses.replace(frame, odom_T_camera=odom_T_camera)

    def ground_truth(self) -> Trajectory | None:
        """Return the poses of the bag's only PoseStamped topic; None if it has not exactly one.

        :raises InputError: a pose is not one.
        """
        found = [c for c in self._reader.connections if c.msgtype == POSE_TYPE and c.msgcount]
        if len({connection.topic for connection in found}) != 1:
            return None
        messages = sorted((message for _, message in self._messages(found)), key=_stamp_ns)
        return Trajectory(
            np.array([_stamp_ns(message) for message in messages], dtype=np.int64),
            np.array([pose_from_message(message.pose) for message in messages]),
        )

    def _synchronized(self, begin_ns: float, end_ns: float) -> Iterator[Synchronized]:
        """Yield the images recorded in a span of time with what belongs to them."""
        _, first_info = next(self._messages(self._infos))
        images = Synchronizer(first_info, self._odom_frame, self._camera_frame)
        static = [c for c in self._transforms if c.topic.endswith('tf_static')]
        for _, message in self._messages(static):
            images.add_static_transforms(message)
        dynamic = [c for c in self._transforms if c not in static]
        chosen = [*self._images, *self._infos, *dynamic]
        for connection, recorded_ns, data in self._reader.messages(chosen):
            if connection.topic == self.image_topic:
                if begin_ns <= recorded_ns <= end_ns:
                    yield from images.add_image(self._message(connection, data), recorded_ns)
            elif connection.topic == self.camera_info_topic:
                images.add_info(self._message(connection, data))
            else:
                images.add_transforms(self._message(connection, data), recorded_ns)
            yield from images.release(recorded_ns)
            if recorded_ns > end_ns and not images.is_waiting:
                break
        yield from images.release(math.inf)
        if images.without_odometry:
            self.odometry_problem = (
                f'{images.without_odometry} images have no odometry: {images.odometry_problem}'
            )

    def _messages(self, connections: list[Connection]) -> Iterator[tuple[int, Any]]:
        """Yield time of recording and message, in the order of recording."""
        if connections:  # AnyReader reads all topics if it is given none.
            for connection, recorded_ns, data in self._reader.messages(connections):
                yield recorded_ns, self._message(connection, data)

    def _message(self, connection: Connection, data: bytes) -> Any:
        return self._reader.deserialize(data, connection.msgtype)

    def _transform_topics(self) -> list[Connection]:
        found = [c for c in self._reader.connections if c.msgtype == TRANSFORMS_TYPE and c.msgcount]
        if not any(connection.topic.endswith('/tf') for connection in found):
            raise InputError(
                f'bag {self._path} has no transforms on /tf: record /tf and /tf_static, or leave'
                ' out the odometry frame'
            )
        return found

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
