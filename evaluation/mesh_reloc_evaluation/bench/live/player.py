"""Cameras that play a recording to a node each, and hear its answers."""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from nav_msgs.srv import SetMap
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_srvs.srv import Trigger

from mesh_reloc_evaluation.node_process import NodeError
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_ros.ros.conversions import ns_to_stamp, pose_to_message
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import pose_from_numbers

_READY_S, _ANSWER_S, _LAST_POSE_S = 600.0, 10.0, 1.5
_QUALITY = 95
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_FRAME = 'camera_optical'


class LiveCamera:
    """Publishes images in a namespace; keeps when they were sent, and when poses came."""

    def __init__(self, node: Node, namespace: str, sequence: PosedSequence) -> None:
        self.sent: dict[int, float] = {}
        self.poses: dict[int, tuple[float, Array]] = {}
        self.losses = 0
        """How often the node has lost the camera."""
        self.latency_ms = np.nan, np.nan
        """p50 and p95 of the last images, from receiving an image to publishing its pose, as the
        node says."""
        self._node = node
        self._sequence = sequence
        self._images = [_encoded(frame.image) for frame in sequence.frames]
        self._state = ''
        self._image_topic = node.create_publisher(
            CompressedImage, f'{namespace}/image_rect/compressed', 60
        )
        self._info_topic = node.create_publisher(CameraInfo, f'{namespace}/camera_info', 60)
        name = f'{namespace}/mesh_reloc'
        self._set_pose: Any = node.create_client(SetMap, f'{name}/set_pose')
        self._relocalize: Any = node.create_client(Trigger, f'{name}/relocalize')
        node.create_subscription(PoseStamped, f'{name}/pose', self._on_pose, 100)
        node.create_subscription(DiagnosticStatus, f'{name}/status', self._on_status, _LATCHED)
        self._diagnostics = f'{name.lstrip("/")}: tracking'
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 100)

    @property
    def is_connected(self) -> bool:
        """Whether the node receives the images, and can be asked."""
        topics = (self._image_topic, self._info_topic)
        is_heard = all(topic.get_subscription_count() for topic in topics)
        return is_heard and self._set_pose.service_is_ready() and self._state == 'INITIALIZING'

    def start(self, pose: Array | None) -> Any:
        """Begin a round: tell the node the pose of the first image, or have it search.

        :returns: a future, which is done when the node has answered.
        """
        self.sent, self.poses, self.losses = {}, {}, 0
        if pose is None:
            return self._relocalize.call_async(Trigger.Request())
        request = SetMap.Request()
        request.initial_pose.header.frame_id = 'map'
        request.initial_pose.pose.pose = pose_to_message(pose)
        return self._set_pose.call_async(request)

    def send(self, index: int, stamp_ns: int) -> None:
        """Send an image and its camera_info, with another stamp."""
        info = _camera_info(self._sequence.frames[index].camera)
        message = CompressedImage(format='jpeg', data=self._images[index])
        message.header.stamp = info.header.stamp = ns_to_stamp(stamp_ns)
        message.header.frame_id = info.header.frame_id = _FRAME
        publish(self._node, self._info_topic.publish, info)
        self.sent[stamp_ns] = time.monotonic()
        publish(self._node, self._image_topic.publish, message)

    def _on_pose(self, message: PoseStamped) -> None:
        p, q = message.pose.position, message.pose.orientation
        pose = pose_from_numbers([p.x, p.y, p.z, q.x, q.y, q.z, q.w])
        stamp = message.header.stamp
        self.poses[stamp.sec * 10**9 + stamp.nanosec] = time.monotonic(), pose

    def _on_status(self, message: DiagnosticStatus) -> None:
        before = self._state
        self._state = {value.key: value.value for value in message.values}.get('state', '')
        self.losses += self._state == 'LOST' != before

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == self._diagnostics:
                values = {value.key: value.value for value in status.values}
                p50, p95 = (values.get(f'latency {p} [ms]', 'nan') for p in ('p50', 'p95'))
                self.latency_ms = float(p50), float(p95)


class Player:
    """Plays the recording to all cameras at once, in real time."""

    def __init__(
        self, namespaces: list[str], sequence: PosedSequence, check: Callable[[], None]
    ) -> None:
        """Create the cameras.

        :param check: called again and again; raises `NodeError` if a node has ended.
        """
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('live_player', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._check = check
        self._sequence = sequence
        self.cameras = [LiveCamera(self._node, name, sequence) for name in namespaces]
        self._next_ns = time.time_ns()

    def close(self) -> None:
        """End the communication."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def wait_until_ready(self) -> None:
        """Wait for the nodes.

        :raises NodeError: that takes too long.
        """
        if not self._spin(_READY_S, lambda: all(each.is_connected for each in self.cameras)):
            raise NodeError(f'the node was not ready within {_READY_S:.0f} s')

    def play(self, start: Array | None) -> tuple[float, dict[int, int]]:
        """Play the recording once.

        :param start: map_T_camera [4, 4] of the first image, which is shown until it has a pose;
            None: the camera is searched for meanwhile.
        :returns: when it began, by the monotonic clock, and the image of each stamp.
        :raises NodeError: a node does not answer, or has ended.
        """
        answers = [camera.start(start) for camera in self.cameras]
        if not self._spin(_ANSWER_S, lambda: all(answer.done() for answer in answers)):
            raise NodeError('the node does not answer')
        if start is not None:
            self._show_first()
        stamps = self._sequence.stamps_ns - self._sequence.stamps_ns[0]
        first_ns, begin = self._next_ns, time.monotonic()
        images = {}
        for index, offset_ns in enumerate(stamps.tolist()):
            self._spin(begin + offset_ns * 1e-9 - time.monotonic())
            images[first_ns + offset_ns] = index
            for camera in self.cameras:
                camera.send(index, first_ns + offset_ns)
        last_ns = self._next_ns = max(images)
        self._next_ns += self._sequence.period_ns
        self._spin(_LAST_POSE_S, lambda: all(last_ns in each.poses for each in self.cameras))
        return begin, images

    def _show_first(self) -> None:
        """Show the first image until all nodes have its pose."""
        end = time.monotonic() + _ANSWER_S
        while not all(camera.poses for camera in self.cameras) and time.monotonic() < end:
            for camera in self.cameras:
                camera.send(0, self._next_ns)
            self._next_ns += self._sequence.period_ns
            self._spin(1.0, lambda: all(camera.poses for camera in self.cameras))
        # What was rendered for it ends.
        self._spin(0.3)

    def _spin(self, timeout_s: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Handle messages until `done` returns true; return whether it did before the timeout."""
        end = time.monotonic() + timeout_s
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._check()
            self._executor.spin_once(timeout_sec=min(left, 0.005))
        return True


def _encoded(image: Any) -> array.array[int]:
    """Return an RGB image [H, W, 3] as JPEG, in the type that rclpy takes without a copy."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    data = cv2.imencode('.jpg', image[:, :, ::-1], parameters)[1]
    return array.array('B', data.tobytes())


def _camera_info(camera: Camera) -> CameraInfo:
    projection = np.hstack((camera.matrix, np.zeros((3, 1))))
    return CameraInfo(
        width=camera.width, height=camera.height, k=camera.matrix.ravel(), p=projection.ravel()
    )
