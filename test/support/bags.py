"""rosbag2 recordings for tests, written without ROS."""

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

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE_TOPIC = '/camera/image_rect/compressed'
CAMERA_INFO_TOPIC = '/camera/camera_info'
CAMERA_FRAME = 'camera_optical'

Recorded = tuple[str, int, Any]
"""Topic, time of recording in nanoseconds, message."""


def message(kind: str, **fields: Any) -> Any:
    """Return a message of a type such as `std_msgs/msg/Header`."""
    return STORE.types[kind](**fields)


def write_bag(
    folder: Path, messages: Iterable[Recorded], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """Write messages to a new folder, and return it."""
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for topic, recorded_ns, each in messages:
            kind = each.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connections[topic], recorded_ns, STORE.serialize_cdr(each, kind))
    return folder


def header(stamp_ns: int, frame: str = CAMERA_FRAME) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return message('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def compressed(data: bytes | NDArray[np.uint8], stamp_ns: int) -> Any:
    """Return an image of an encoded file, or of RGB [H, W, 3], without loss."""
    if not isinstance(data, bytes):
        data = cv2.imencode('.png', data[:, :, ::-1])[1].tobytes()
    return message(
        'sensor_msgs/msg/CompressedImage',
        header=header(stamp_ns),
        format='rgb8; png compressed bgr8',
        data=np.frombuffer(data, dtype=np.uint8),
    )


def raw(image: NDArray[np.uint8], stamp_ns: int) -> Any:
    """Return a raw image of RGB [H, W, 3]."""
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
    roi = message(
        'sensor_msgs/msg/RegionOfInterest',
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
    )  # fmt: skip
    k = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1.0]])
    return message(
        'sensor_msgs/msg/CameraInfo',
        header=header(stamp_ns),
        height=camera.height,
        width=camera.width,
        distortion_model='plumb_bob',
        d=np.array(distortion, dtype=np.float64),
        k=k.ravel(),
        r=np.eye(3).ravel(),
        p=np.hstack((k, np.zeros((3, 1)))).ravel(),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def transform(stamp_ns: int, parent: str, child: str, pose: NDArray[np.float64]) -> Any:
    """Return a message for /tf or /tf_static with `parent_T_child` [4, 4]."""
    x, y, z, qx, qy, qz, qw = pose_to_numbers(pose).tolist()
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
