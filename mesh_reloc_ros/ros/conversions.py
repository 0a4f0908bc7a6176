"""Stamps, poses and overlays to ROS messages and back; images are read by `frames.py`."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovarianceStamped,
    Quaternion,
    TransformStamped,
    Vector3,
)
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.pose import pose_to_numbers


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a message's stamp."""
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=sec, nanosec=nanosec)


def image_from_rgb(image: NDArray[np.uint8], header: Header) -> Image:
    """Return an rgb8 message of an RGB image [H, W, 3] uint8."""
    height, width = image.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        # Anything but an array is converted element by element, a hundred times slower.
        data=array.array('B', image.tobytes()),
    )


def pose_to_message(map_T_camera: NDArray[np.float64]) -> Pose:
    """Return a pose [4, 4] as a message."""
    x, y, z, qx, qy, qz, qw = pose_to_numbers(map_T_camera).tolist()
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def estimate_to_pose(estimate: PoseEstimate, map_frame: str) -> PoseStamped:
    """Return an estimate as a pose in `map_frame`, stamped as its image was."""
    header = Header(stamp=ns_to_stamp(estimate.stamp_ns), frame_id=map_frame)
    return PoseStamped(header=header, pose=pose_to_message(estimate.map_T_camera))


def with_covariance(
    pose: PoseStamped, covariance: NDArray[np.float64]
) -> PoseWithCovarianceStamped:
    """Return a pose with its covariance [6, 6] (x y z rx ry rz)."""
    message = PoseWithCovarianceStamped(header=pose.header)
    message.pose.pose = pose.pose
    message.pose.covariance = covariance.ravel()
    return message


def transform_from_pose(
    pose: NDArray[np.float64], stamp_ns: int, parent: str, child: str
) -> TransformStamped:
    """Return a pose [4, 4], from `child` to `parent`, as the transform of that name."""
    x, y, z, qx, qy, qz, qw = pose_to_numbers(pose).tolist()
    message = TransformStamped(child_frame_id=child)
    message.header = Header(stamp=ns_to_stamp(stamp_ns), frame_id=parent)
    message.transform.translation = Vector3(x=x, y=y, z=z)
    message.transform.rotation = Quaternion(x=qx, y=qy, z=qz, w=qw)
    return message
