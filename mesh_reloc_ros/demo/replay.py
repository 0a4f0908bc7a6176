"""Plays a recording to the node over DDS and records what comes back: the demo's tie to ROS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosbags.highlevel import AnyReader
from rosbags.image import message_to_cvimage
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tqdm import tqdm

from mesh_reloc_ros.demo.error import DemoError
from mesh_reloc_ros.demo.sample.recording import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mesh_reloc_ros.geometry.pose import pose_from_numbers

NODE_NAME = '/mesh_reloc'
_READY_TIMEOUT_S = 120.0
_FIRST_POSE_TIMEOUT_S = 60.0
_LAST_POSE_TIMEOUT_S = 3.0
_OVERLAY_LEAD_S = 0.5


@dataclass(frozen=True)
class ReceivedPose:
    """A pose that the node published."""

    stamp_ns: int
    map_T_camera: NDArray[np.float64]
    received: float
    """Seconds of the clock that `Replay.sent` is in, too."""


@dataclass
class Replay:
    """All that went out and came back."""

    sent: dict[int, float] = field(default_factory=dict)
    """When each image was published, in seconds, by its stamp in nanoseconds."""
    poses: list[ReceivedPose] = field(default_factory=list)
    covariances: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """[6, 6] by stamp, of the messages with covariance."""
    overlays: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """RGB [H, W, 3] by stamp."""


def replay(bag: Path, overlay_moments: list[float], check: Callable[[], None]) -> Replay:
    """Play the images of a recording at its own rate; the first is held until it has a pose.

    :param overlay_moments: when to take an overlay, seconds after the first image.
    :param check: called all along; raises where the node has ended.
    :raises DemoError: the node is not ready in time, or what `check` raises.
    """
    rclpy.init()
    try:
        player = Player(check)
        player.wait_until_ready()
        player.play(bag, overlay_moments)
        return player.result
    finally:
        rclpy.try_shutdown()


class Player(Node):
    """Publishes images and camera_info, and listens to the node."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__('demo_player')
        self.result = Replay()
        self._check = check
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        self._publishers_by_topic = {
            IMAGE_TOPIC: self.create_publisher(CompressedImage, IMAGE_TOPIC, 10),
            CAMERA_INFO_TOPIC: self.create_publisher(CameraInfo, CAMERA_INFO_TOPIC, 10),
        }
        self.create_subscription(PoseStamped, f'{NODE_NAME}/pose', self._on_pose, 100)
        self.create_subscription(
            PoseWithCovarianceStamped, f'{NODE_NAME}/pose_with_covariance', self._on_covariance, 100
        )
        self._overlay_subscription: Any = None

    def wait_until_ready(self) -> None:
        """Wait until the node hears the images and is heard.

        :raises DemoError: that takes too long.
        """

        def connected() -> bool:
            heard = all(p.get_subscription_count() for p in self._publishers_by_topic.values())
            return heard and self.count_publishers(f'{NODE_NAME}/pose') > 0

        if not self._spin_until(connected, _READY_TIMEOUT_S):
            raise DemoError(f'the node was not ready within {_READY_TIMEOUT_S:.0f} s')

    def play(self, bag: Path, overlay_moments: list[float]) -> None:
        """Publish the recording's messages at the times that they were recorded at."""
        moments = sorted(overlay_moments)
        first_ns, begin = 0, 0.0
        for recorded_ns, topic, data in tqdm(
            list(_messages(bag)), desc='replaying', unit='message'
        ):
            if not self.result.sent:
                first_ns, begin = recorded_ns, time.monotonic()
            elapsed = (recorded_ns - first_ns) / 1e9
            self._spin_for(begin + elapsed - time.monotonic())
            moments = self._take_overlays(moments, elapsed, first_ns)
            if topic == IMAGE_TOPIC:
                self.result.sent[recorded_ns] = time.monotonic()
            # The recording holds messages as they go over the wire.
            self._publishers_by_topic[topic].publish(data)
            if len(self.result.sent) == 1 and topic == IMAGE_TOPIC:
                self._spin_until(lambda: bool(self.result.poses), _FIRST_POSE_TIMEOUT_S)
                begin = time.monotonic()
        last = max(self.result.sent)
        self._spin_until(
            lambda: any(pose.stamp_ns == last for pose in self.result.poses), _LAST_POSE_TIMEOUT_S
        )

    def _take_overlays(self, moments: list[float], elapsed: float, first_ns: int) -> list[float]:
        """Listen to overlays shortly before a moment until there is one; return what is left."""
        newest = max(self.result.overlays, default=first_ns - 1)
        if moments and (newest - first_ns) / 1e9 >= moments[0]:
            moments = moments[1:]
        wanted = bool(moments) and elapsed >= moments[0] - _OVERLAY_LEAD_S
        if wanted and self._overlay_subscription is None:
            self._overlay_subscription = self.create_subscription(
                Image, f'{NODE_NAME}/overlay', self._on_overlay, 2
            )
        elif not wanted and self._overlay_subscription is not None:
            self.destroy_subscription(self._overlay_subscription)
            self._overlay_subscription = None
        return moments

    def _spin_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Handle what comes in until something is so; return whether it came to be in time."""
        end = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > end:
                return False
            self._check()
            self._executor.spin_once(timeout_sec=0.005)
        return True

    def _spin_for(self, seconds: float) -> None:
        self._spin_until(lambda: False, seconds)

    def _on_pose(self, message: PoseStamped) -> None:
        received = time.monotonic()
        p, q = message.pose.position, message.pose.orientation
        pose = pose_from_numbers([p.x, p.y, p.z, q.x, q.y, q.z, q.w])
        self.result.poses.append(ReceivedPose(_stamp_ns(message), pose, received))

    def _on_covariance(self, message: PoseWithCovarianceStamped) -> None:
        covariance = np.asarray(message.pose.covariance).reshape(6, 6)
        self.result.covariances[_stamp_ns(message)] = covariance

    def _on_overlay(self, message: Image) -> None:
        self.result.overlays[_stamp_ns(message)] = np.array(message_to_cvimage(message, 'rgb8'))


def _messages(bag: Path) -> Iterator[tuple[int, str, bytes]]:
    """Yield time, topic and content of the messages that a camera publishes."""
    with AnyReader([bag]) as reader:
        topics = (CAMERA_INFO_TOPIC, IMAGE_TOPIC)
        connections = [c for c in reader.connections if c.topic in topics]
        for connection, recorded_ns, data in reader.messages(connections):
            yield recorded_ns, connection.topic, bytes(data)


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
