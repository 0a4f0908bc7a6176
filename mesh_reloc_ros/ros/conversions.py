"""ROS messages to frames and cameras, and pose estimates to ROS messages."""

from __future__ import annotations

import array
from collections.abc import Sequence

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from cv_bridge import CvBridge, CvBridgeError
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
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera_info import camera_from_info
from mesh_reloc_ros.geometry.pose import pose_from_numbers, pose_to_numbers
from mesh_reloc_ros.tracking.frame import Frame, PoseEstimate

_BRIDGE = CvBridge()


def stamp_to_ns(stamp: Time) -> int:
    """Return a message's stamp in nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a message's stamp."""
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=sec, nanosec=nanosec)


def rgb_from_image(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """Return the image of a raw or compressed message as RGB [H, W, 3] uint8.

    :raises InputError: the encoding cannot be read, or the data are not such an image.
    """
    if isinstance(message, CompressedImage):
        return _rgb_from_compressed(message)
    try:
        image = _BRIDGE.imgmsg_to_cv2(message, desired_encoding='rgb8')
    except (CvBridgeError, cv2.error, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f'image of encoding {message.encoding!r}, {message.width}x{message.height}, cannot be'
            f' read as colours ({_one_line(error)}): publish rgb8, bgr8, mono8 or a Bayer encoding'
        ) from error
    return np.ascontiguousarray(image, dtype=np.uint8)


def _rgb_from_compressed(message: CompressedImage) -> NDArray[np.uint8]:
    # Not through cv_bridge, which takes a grey JPEG for three channels.
    data = np.frombuffer(message.data, dtype=np.uint8)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, flags) if data.size else None
    if image is None:
        raise InputError(
            f'compressed image of format {message.format!r} cannot be read ({data.size} bytes):'
            ' publish JPEG or PNG'
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__


def frame_from_messages(image: Image | CompressedImage, info: CameraInfo) -> Frame:
    """Return the frame of an image and its camera_info.

    :raises InputError: either cannot be used, their sizes differ, or the image has no stamp.
    """
    stamp_ns = stamp_to_ns(image.header.stamp)
    if stamp_ns == 0:
        raise InputError('image has no stamp: have the driver set header.stamp')
    return Frame(stamp_ns=stamp_ns, image=rgb_from_image(image), camera=camera_from_info(info))


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


def pose_from_message(pose: Pose) -> NDArray[np.float64]:
    """Return the pose [4, 4] of a message.

    :raises InputError: not finite, or a quaternion of length zero.
    """
    position, orientation = pose.position, pose.orientation
    numbers: Sequence[float] = (
        position.x,
        position.y,
        position.z,
        orientation.x,
        orientation.y,
        orientation.z,
        orientation.w,
    )
    return pose_from_numbers(numbers)


def estimate_to_pose(estimate: PoseEstimate, map_frame: str) -> PoseStamped:
    """Return an estimate as a pose in `map_frame`, stamped as its image was."""
    return PoseStamped(
        header=_header(estimate, map_frame), pose=pose_to_message(estimate.map_T_camera)
    )


def estimate_to_pose_with_covariance(
    estimate: PoseEstimate, map_frame: str
) -> PoseWithCovarianceStamped:
    """Return an estimate as a pose with its covariance (x y z rx ry rz, row-major)."""
    message = PoseWithCovarianceStamped(header=_header(estimate, map_frame))
    message.pose.pose = pose_to_message(estimate.map_T_camera)
    message.pose.covariance = estimate.covariance.astype(np.float64).ravel()
    return message


def estimate_to_transform(
    estimate: PoseEstimate, map_frame: str, child_frame: str
) -> TransformStamped:
    """Return an estimate as the transform `map_frame` -> `child_frame`."""
    pose = pose_to_message(estimate.map_T_camera)
    message = TransformStamped(header=_header(estimate, map_frame), child_frame_id=child_frame)
    message.transform.translation = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
    message.transform.rotation = pose.orientation
    return message


def _header(estimate: PoseEstimate, frame_id: str) -> Header:
    return Header(stamp=ns_to_stamp(estimate.stamp_ns), frame_id=frame_id)
