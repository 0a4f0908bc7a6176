"""The images of a bag of ROS 2, or ROS 1, as frames, read without ROS."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from rosbags.interfaces import Connection

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import rectified_camera
from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.messages.poses import pose_from_message
from mesh_reloc_ros.messages.stamps import stamp_of_image, stamp_to_ns
from mesh_reloc_ros.recordings._message_types import lacking
from mesh_reloc_ros.recordings._synchronizer import Synchronized, Synchronizer
from mesh_reloc_ros.recordings.bag_files import open_bag
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)
_ALTERNATIVE = {'camera-info': ', or give --camera camera.yaml'}
POSE_TYPE = 'geometry_msgs/msg/PoseStamped'
TRANSFORMS_TYPE = 'tf2_msgs/msg/TFMessage'


class ImageBag(Recording):
    """The images of one topic of a bag, raw or compressed; a context manager."""

    def __init__(
        self,
        path: Path,
        image_topic: str = '',
        camera_info_topic: str = '',
        rectify: bool | None = None,
        odom_frame: str = '',
        camera_frame: str = '',
        calibration: Calibration | None = None,
    ) -> None:
        """Open the bag. A topic that is left out is the bag's only one of its kind.

        :param path: folder of a rosbag2 recording (MCAP or SQLite), a file of it, or a ROS 1 bag.
        :param rectify: True: rectify the images, which are raw; False: they are rectified, whatever
            the topic is called; None: refuse those that are raw by the name of their topic.
        :param odom_frame: give each frame `odom_T_camera` as /tf and /tf_static have it; empty:
            without odometry.
        :param camera_frame: the camera's optical frame in TF; empty: `frame_id` of the images.
        :param calibration: the camera, instead of camera_info.
        :raises InputError: no such bag, none or several topics to choose from, or no /tf.
        """
        super().__init__(f'bag {path}')
        self._path = path
        self._frame_reader = MessageReader(rectify is True)
        self._odom_frame, self._camera_frame = odom_frame, camera_frame
        self._reader, self.notices = open_bag(path)
        self._files.callback(self._reader.close)
        try:
            self._images = self._choose(image_topic, IMAGE_TYPES, 'image')
            self._infos: list[Connection] = []
            if calibration is None:
                self._infos = self._choose(camera_info_topic, CAMERA_INFO_TYPES, 'camera-info')
            self._transforms = self._transform_topics() if odom_frame else []
        except InputError:
            self.close()
            raise
        self.image_topic = self._images[0].topic
        self.camera_info_topic = self._infos[0].topic if self._infos else ''
        self._calibration = calibration
        self._lacking = functools.cache(
            lambda name: lacking(self._reader.typestore, name, self._reader.is2)
        )
        # The name by which raw images are recognized.
        self._judged_topic = '' if rectify is False else self.image_topic

    def __len__(self) -> int:
        """Return the number of images in the whole bag."""
        return sum(connection.msgcount for connection in self._images)

    def _frames(self, start_s: float, end_s: float) -> Iterator[Frame]:
        """Yield the images that were recorded in a span of time.

        An image goes with the camera_info of its own stamp; if there is none, with the last that
        was recorded before it.
        """
        begin_ns = self._reader.start_time + start_s * 1e9
        end_ns = self._reader.start_time + end_s * 1e9
        for image, info, odom_T_camera, recorded_ns in self._synchronized(begin_ns, end_ns):
            try:
                frame = self._frame(image, info)
            except InputError as error:
                self.left_out.add('image', self._place(recorded_ns), error)
                continue
            yield dataclasses.replace(frame, odom_T_camera=odom_T_camera)

    def _frame(self, image: Any, info: Any) -> Frame:
        if self._calibration is None:
            return self._frame_reader.read(image, info, self._judged_topic)
        rgb = self._frame_reader.rgb(image)
        height, width = rgb.shape[:2]
        return self._calibration.view((width, height)).frame(stamp_of_image(image), rgb)

    def ground_truth(self) -> Trajectory | None:
        """Return the poses of the bag's only PoseStamped topic; None if it has not exactly one.

        Poses that cannot be read are left out; None if none is left.

        :raises InputError: a pose is not one.
        """
        found = [c for c in self._reader.connections if c.msgtype == POSE_TYPE and c.msgcount]
        if len({connection.topic for connection in found}) != 1:
            return None
        messages = sorted((message for _, message in self._messages(found, 'pose')), key=_stamp_ns)
        if not messages:
            return None
        return Trajectory(
            np.array([_stamp_ns(message) for message in messages], dtype=np.int64),
            np.array([pose_from_message(message.pose) for message in messages]),
        )

    def encoding(self) -> str:
        """Return the encoding of the first raw image, or the format of the first compressed one.

        :raises InputError: no image can be read.
        """
        for _, image in self._messages(self._images, 'image'):
            return str(getattr(image, 'encoding', None) or image.format)
        raise InputError(f'{self.name}: no image can be read: {self.left_out.first_reason}')

    def _synchronized(self, begin_ns: float, end_ns: float) -> Iterator[Synchronized]:
        """Yield the images recorded in a span of time with what belongs to them."""
        first_info = self.first_info() if self._infos else None
        images = Synchronizer(first_info, self._odom_frame, self._camera_frame)
        static = [c for c in self._transforms if c.topic.endswith('tf_static')]
        for _, message in self._messages(static, 'transform'):
            images.add_static_transforms(message)
        dynamic = [c for c in self._transforms if c not in static]
        chosen = [*self._images, *self._infos, *dynamic]
        for connection, recorded_ns, data in self._records(chosen):
            if connection.topic == self.image_topic:
                if begin_ns <= recorded_ns <= end_ns:
                    image = self._message(connection, data, recorded_ns, 'image')
                    if image is not None:
                        yield from images.add_image(image, recorded_ns)
            elif connection.topic == self.camera_info_topic:
                info = self._message(connection, data, recorded_ns, 'camera_info')
                if info is not None:
                    images.add_info(info)
            else:
                transforms = self._message(connection, data, recorded_ns, 'transform')
                if transforms is not None:
                    images.add_transforms(transforms, recorded_ns)
            yield from images.release(recorded_ns)
            if recorded_ns > end_ns and not images.is_waiting:
                break
        yield from images.release(math.inf)
        if images.without_odometry:
            self.odometry_problem = (
                f'{images.without_odometry} images have no odometry: {images.odometry_problem}'
            )

    def first_info(self) -> Any:
        """Return the first `sensor_msgs/CameraInfo` that can be used.

        :raises InputError: there is none.
        """
        for _, info in self._messages(self._infos, 'camera_info'):
            self.left_out.clear()  # those before are counted when they are read again
            return info
        raise InputError(
            f'{self.name}: none of its camera_info can be used: {self.left_out.first_reason}'
        )

    def _messages(self, connections: list[Connection], kind: str) -> Iterator[tuple[int, Any]]:
        """Yield time of recording and message, in the order of recording."""
        for connection, recorded_ns, data in self._records(connections):
            message = self._message(connection, data, recorded_ns, kind)
            if message is not None:
                yield recorded_ns, message

    def _records(self, connections: list[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield the messages as they are in the bag, up to where it is broken."""
        if not connections:
            return  # AnyReader reads all topics if it is given none.
        records = self._reader.messages(connections)
        last_ns = self._reader.start_time
        while True:
            try:
                connection, last_ns, data = next(records)
            except StopIteration:
                return
            # Broken files make rosbags raise exceptions of many kinds.
            except Exception as error:
                reason = f'the bag is broken ({_said(error)})'
                self.left_out.add('rest', self._place(last_ns), reason)
                return
            yield connection, last_ns, data

    def _message(self, connection: Connection, data: bytes, recorded_ns: int, kind: str) -> Any:
        """Return a message; None if it cannot be used, which is counted."""
        try:
            message = _with_ros2_names(self._deserialized(connection, data))
            if kind == 'image':
                stamp_of_image(message)
            elif kind == 'camera_info':
                rectified_camera(message)
        except InputError as error:
            self.left_out.add(kind, self._place(recorded_ns), error)
            return None
        return message

    def _deserialized(self, connection: Connection, data: bytes) -> Any:
        missing = self._lacking(connection.msgtype)
        if missing:
            raise InputError(f'the bag defines its type without {missing}: it is broken')
        try:
            return self._reader.deserialize(data, connection.msgtype)
        # As above.
        except Exception as error:
            raise InputError(
                f'the message cannot be read ({type(error).__name__}): it is broken or cut off'
            ) from error

    def _place(self, recorded_ns: int) -> str:
        return f'{(recorded_ns - self._reader.start_time) * 1e-9:.3f} s'

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
                f" record the camera's image_rect and camera_info{_ALTERNATIVE.get(kind, '')}"
            )
        if topic and topic not in topics:
            raise InputError(f'bag {self._path} has no {kind} topic {topic}; it has: {named}')
        if not topic and len(topics) > 1:
            raise InputError(
                f'bag {self._path} has several {kind} topics ({named}):'
                f' choose one with --{kind}-topic'
            )
        return [connection for connection in candidates if connection.topic == (topic or topics[0])]


def _with_ros2_names(message: Any) -> Any:
    """Return a camera_info of ROS 1 with the fields of ROS 2; other messages as they are."""
    if not hasattr(message, 'K'):
        return message
    matrices = {'d': message.D, 'k': message.K, 'r': message.R, 'p': message.P}
    return SimpleNamespace(**vars(message), **matrices)


def _said(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__


def _stamp_ns(message: Any) -> int:
    return stamp_to_ns(message.header.stamp)
