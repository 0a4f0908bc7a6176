"""The other end of the wire: a camera and a listener; and the node as a process."""

import array
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import rclpy
from mesh_reloc_evaluation.node_process import NodeProcess as NodeProcess
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import NodeNameNonExistentError
from rclpy.qos import QoSProfile
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from mesh_reloc_ros.types.pose import pose_to_numbers
from support.patience import LONG_S
from support.small_room import CAMERA

FEW_VIEWS = 'relocalization.viewpoint_spacing:=0.4'
"""So few views of the small room take moments. Nodes with the same setting find them beside it."""


class Station:
    """A ROS node of the test's own."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('station', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._stamp_ns = 1_700_000_000_000_000_000

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def listen(self, message_type: type, topic: str, qos: QoSProfile | int = 10) -> list[Any]:
        """Return the list to which the topic's messages are appended."""
        heard: list[Any] = []
        self.node.create_subscription(message_type, topic, heard.append, qos)
        return heard

    def wait_until(self, condition: Callable[[], object], what: str = '') -> None:
        """Process messages until the condition holds."""
        assert self.spin_until(condition, LONG_S), f'waited in vain for {what or condition}'

    def wait_for_stamp(self, messages: list[Any], stamp: int) -> Any:
        """Return the message with a stamp of a list from `listen`, once it is there."""
        found: list[Any] = []

        def is_there() -> bool:
            found.extend(m for m in messages if stamp_ns(m) == stamp)
            return bool(found)

        self.wait_until(is_there, f'a message with the stamp {stamp}')
        return found[0]

    def spin_until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Process messages until the condition holds; return False if that takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def spin(self, seconds: float) -> None:
        """Let messages come and go for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=min(left, 0.05))

    def call(self, service_type: type, name: str, request: Any = None) -> Any:
        """Call a service, without arguments where none are given, and return its response."""
        client = self.node.create_client(service_type, name)
        self.wait_until(client.service_is_ready, f'service {name}')
        future = client.call_async(service_type.Request() if request is None else request)
        self.wait_until(future.done, f'an answer of {name}')
        self.node.destroy_client(client)
        return future.result()

    def published_by(self, name: str) -> dict[str, str]:
        """Return topics and their types; none while discovery has not found the node."""
        return _topics(self.node.get_publisher_names_and_types_by_node, name)

    def subscribed_by(self, name: str) -> dict[str, str]:
        """Return topics and their types; none while discovery has not found the node."""
        return _topics(self.node.get_subscriber_names_and_types_by_node, name)

    def next_stamp_ns(self) -> int:
        """Return the stamp of the next image, a thirtieth of a second on."""
        self._stamp_ns += 33_333_333
        return self._stamp_ns


def _topics(query: Callable[[str, str], list[tuple[str, list[str]]]], name: str) -> dict[str, str]:
    try:
        return {topic: types[0] for topic, types in query(name, '/')}
    except NodeNameNonExistentError:
        return {}


def start_at(pose: NDArray[np.float64]) -> str:
    """Return the parameter `initial_pose` as it is given on the command line."""
    numbers = ', '.join(f'{number:.6f}' for number in pose_to_numbers(pose))
    return f'initial_pose:=[{numbers}]'


def image_message(image: NDArray[np.uint8], stamp_ns: int) -> Image:
    height, width = image.shape[:2]
    message = Image(height=height, width=width, encoding='rgb8', step=3 * width)
    message.data = array.array('B', image.tobytes())
    return stamped(message, stamp_ns)


def compressed_message(image: NDArray[np.uint8], stamp_ns: int) -> CompressedImage:
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return stamped(CompressedImage(format='jpeg', data=array.array('B', data.tobytes())), stamp_ns)


def camera_info() -> CameraInfo:
    """Return what goes with the images of `CAMERA`."""
    projection = np.hstack((CAMERA.matrix, np.zeros((3, 1))))
    return CameraInfo(
        width=CAMERA.width,
        height=CAMERA.height,
        k=CAMERA.matrix.ravel(),
        p=projection.ravel(),
    )


def stamped(message: Any, stamp_ns: int) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    message.header.frame_id = 'camera_optical'
    return message


def stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def matrix(position: Any, orientation: Any) -> NDArray[np.float64]:
    """Return the pose [4, 4] of a message's position (or translation) and orientation."""
    pose = np.eye(4)
    quaternion = (orientation.x, orientation.y, orientation.z, orientation.w)
    pose[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    pose[:3, 3] = position.x, position.y, position.z
    return pose
