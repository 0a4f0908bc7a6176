"""rosbag2 recordings (MCAP) of compressed images, camera_info and true poses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import pose_to_numbers

IMAGE_TOPIC = '/camera/image_rect/compressed'
CAMERA_INFO_TOPIC = '/camera/camera_info'
TRUTH_TOPIC = '/ground_truth/pose'
_CAMERA_FRAME = 'camera_optical_frame'
_MAP_FRAME = 'map'

_STORE = get_typestore(Stores.ROS2_JAZZY)


@dataclass(frozen=True)
class RecordedImage:
    """An image as it is recorded."""

    stamp_ns: int
    jpeg: bytes
    map_T_camera: NDArray[np.float64]
    """[4, 4], true pose at the stamp."""


def write_recording(folder: Path, images: Iterable[RecordedImage], camera: Camera) -> None:
    """Write images with their camera and true poses to a new folder.

    :raises OSError: it cannot be written.
    """
    types = (
        'sensor_msgs/msg/CameraInfo',
        'sensor_msgs/msg/CompressedImage',
        'geometry_msgs/msg/PoseStamped',
    )
    topics = (CAMERA_INFO_TOPIC, IMAGE_TOPIC, TRUTH_TOPIC)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = [
            writer.add_connection(topic, kind, typestore=_STORE)
            for topic, kind in zip(topics, types, strict=True)
        ]
        for image in images:
            messages = (_camera_info(camera, image.stamp_ns), _image(image), _pose(image))
            for connection, message in zip(connections, messages, strict=True):
                data = _STORE.serialize_cdr(message, connection.msgtype)
                writer.write(connection, image.stamp_ns, data)


def _message(kind: str, **fields: Any) -> Any:
    return _STORE.types[kind](**fields)


def _header(stamp_ns: int, frame: str) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = _message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return _message('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def _image(image: RecordedImage) -> Any:
    return _message(
        'sensor_msgs/msg/CompressedImage',
        header=_header(image.stamp_ns, _CAMERA_FRAME),
        format='rgb8; jpeg compressed bgr8',
        data=np.frombuffer(image.jpeg, dtype=np.uint8),
    )


def _camera_info(camera: Camera, stamp_ns: int) -> Any:
    roi = _message(
        'sensor_msgs/msg/RegionOfInterest',
        x_offset=0,
        y_offset=0,
        height=0,
        width=0,
        do_rectify=False,
    )
    k = camera.matrix
    return _message(
        'sensor_msgs/msg/CameraInfo',
        header=_header(stamp_ns, _CAMERA_FRAME),
        height=camera.height,
        width=camera.width,
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=k.ravel(),
        r=np.eye(3).ravel(),
        p=np.hstack((k, np.zeros((3, 1)))).ravel(),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def _pose(image: RecordedImage) -> Any:
    x, y, z, qx, qy, qz, qw = pose_to_numbers(image.map_T_camera).tolist()
    pose = _message(
        'geometry_msgs/msg/Pose',
        position=_message('geometry_msgs/msg/Point', x=x, y=y, z=z),
        orientation=_message('geometry_msgs/msg/Quaternion', x=qx, y=qy, z=qz, w=qw),
    )
    header = _header(image.stamp_ns, _MAP_FRAME)
    return _message('geometry_msgs/msg/PoseStamped', header=header, pose=pose)
