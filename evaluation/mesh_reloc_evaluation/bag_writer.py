"""rosbag2 recordings, written without ROS."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import pose_to_numbers

IMAGE_TOPIC = '/camera/image_rect/compressed'
CAMERA_INFO_TOPIC = '/camera/camera_info'
TRUTH_TOPIC = '/ground_truth/pose'
CAMERA_FRAME = 'camera_optical_frame'
MAP_FRAME = 'map'

_STORE = get_typestore(Stores.ROS2_JAZZY)

Recorded = tuple[str, int, Any]
"""Topic, time of recording in nanoseconds, and message."""


def write_bag(
    folder: Path, messages: Iterable[Recorded], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """Write messages to a new folder, and return it.

    :raises OSError: it cannot be written.
    """
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for topic, recorded_ns, each in messages:
            kind = each.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=_STORE)
            writer.write(connections[topic], recorded_ns, _STORE.serialize_cdr(each, kind))
    return folder


def posed_image(
    image: bytes | NDArray[np.uint8],
    camera: Camera,
    map_T_camera: NDArray[np.float64],
    stamp_ns: int,
) -> Iterable[Recorded]:
    """Return the messages of an image: camera_info, the image, and its true pose [4, 4]."""
    return (
        (CAMERA_INFO_TOPIC, stamp_ns, camera_info(camera, stamp_ns)),
        (IMAGE_TOPIC, stamp_ns, compressed(image, stamp_ns)),
        (TRUTH_TOPIC, stamp_ns, pose(map_T_camera, stamp_ns)),
    )


def message(kind: str, **fields: Any) -> Any:
    """Return a message of a type such as `std_msgs/msg/Header`."""
    return _STORE.types[kind](**fields)


def header(stamp_ns: int, frame: str = CAMERA_FRAME) -> Any:
    """Return a header."""
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return message('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def compressed(image: bytes | NDArray[np.uint8], stamp_ns: int) -> Any:
    """Return a CompressedImage of a JPEG file, or of RGB [H, W, 3] as PNG."""
    kind = 'jpeg'
    if not isinstance(image, bytes):
        kind, image = 'png', cv2.imencode('.png', image[:, :, ::-1])[1].tobytes()
    return message(
        'sensor_msgs/msg/CompressedImage',
        header=header(stamp_ns),
        format=f'rgb8; {kind} compressed bgr8',
        data=np.frombuffer(image, dtype=np.uint8),
    )


def raw(image: NDArray[np.uint8], stamp_ns: int) -> Any:
    """Return an Image of RGB [H, W, 3]."""
    height, width = image.shape[:2]
    return message(
        'sensor_msgs/msg/Image',
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=image.reshape(-1),
    )


def camera_info(camera: Camera, stamp_ns: int, distortion: tuple[float, ...] = ()) -> Any:
    """Return a CameraInfo with the distortion model plumb_bob."""
    roi = message(
        'sensor_msgs/msg/RegionOfInterest',
        x_offset=0,
        y_offset=0,
        height=0,
        width=0,
        do_rectify=False,
    )
    return message(
        'sensor_msgs/msg/CameraInfo',
        header=header(stamp_ns),
        height=camera.height,
        width=camera.width,
        distortion_model='plumb_bob',
        d=np.array(distortion, dtype=np.float64),
        k=camera.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.hstack((camera.matrix, np.zeros((3, 1)))).ravel(),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def pose(map_T_camera: NDArray[np.float64], stamp_ns: int) -> Any:
    """Return a PoseStamped in the map."""
    x, y, z, qx, qy, qz, qw = pose_to_numbers(map_T_camera).tolist()
    position = message('geometry_msgs/msg/Point', x=x, y=y, z=z)
    orientation = message('geometry_msgs/msg/Quaternion', x=qx, y=qy, z=qz, w=qw)
    return message(
        'geometry_msgs/msg/PoseStamped',
        header=header(stamp_ns, MAP_FRAME),
        pose=message('geometry_msgs/msg/Pose', position=position, orientation=orientation),
    )


def transform(stamp_ns: int, parent: str, child: str, parent_T_child: NDArray[np.float64]) -> Any:
    """Return a message for /tf or /tf_static with a transform [4, 4]."""
    x, y, z, qx, qy, qz, qw = pose_to_numbers(parent_T_child).tolist()
    moved = message(
        'geometry_msgs/msg/Transform',
        translation=message('geometry_msgs/msg/Vector3', x=x, y=y, z=z),
        rotation=message('geometry_msgs/msg/Quaternion', x=qx, y=qy, z=qz, w=qw),
    )
    link = message(
        'geometry_msgs/msg/TransformStamped',
        header=header(stamp_ns, parent),
        child_frame_id=child,
        transform=moved,
    )
    return message('tf2_msgs/msg/TFMessage', transforms=[link])
