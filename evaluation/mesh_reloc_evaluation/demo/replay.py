"""Plays a recording to the node over DDS, and collects the poses and overlays it publishes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from mesh_reloc_evaluation.bag_writer import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mesh_reloc_evaluation.demo.messages import ReceivedPose, Replay
from mesh_reloc_evaluation.node_process import NodeError
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.ros._frames import frame_reader
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.pose import pose_from_numbers

NODE_NAME = '/mesh_reloc'
_READY_TIMEOUT_S = 600.0
_FIRST_POSE_TIMEOUT_S = 3.0
_FIRST_POSE_ATTEMPTS = 40
_LAST_POSE_TIMEOUT_S = 3.0
_OVERLAY_LEAD_NS = 500_000_000

Recorded = tuple[int, bytes, bytes]
"""Stamp in nanoseconds, serialized camera_info and image."""


def replay(bag: Path, overlay_moments: list[float], check: Callable[[], None]) -> Replay:
    """Play a recording in real time, after repeating its first image until it has a pose.

    :param overlay_moments: when to save an overlay, seconds after the first image.
    :param check: called repeatedly; raises `NodeError` if the node has ended.
    :raises NodeError: the node is not ready in time, or has ended.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        player = Player(context, check)
        player.wait_until_ready()
        player.play(bag, overlay_moments)
        return player.result
    finally:
        rclpy.try_shutdown(context=context)


class Player(Node):
    """Publishes images and camera_info, and subscribes to the output of the node."""

    def __init__(self, context: rclpy.Context, check: Callable[[], None]) -> None:
        super().__init__('demo_player', context=context)
        self.result = Replay()
        self._reader = frame_reader(rectify=False)
        self._check = check
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self)
        self._images = self.create_publisher(CompressedImage, IMAGE_TOPIC, 10)
        self._infos = self.create_publisher(CameraInfo, CAMERA_INFO_TOPIC, 10)
        self.create_subscription(PoseStamped, f'{NODE_NAME}/pose', self._on_pose, 100)
        self.create_subscription(
            PoseWithCovarianceStamped, f'{NODE_NAME}/pose_with_covariance', self._on_covariance, 100
        )
        self._overlays: Any = None
        self._moments_ns: list[int] = []

    def wait_until_ready(self) -> None:
        """Wait until the node subscribes to the images and publishes poses.

        :raises NodeError: that takes too long.
        """

        def connected() -> bool:
            subscribed = min(p.get_subscription_count() for p in (self._images, self._infos)) > 0
            return subscribed and self.count_publishers(f'{NODE_NAME}/pose') > 0

        if not self._spin_until(connected, _READY_TIMEOUT_S):
            raise NodeError(f'the node was not ready within {_READY_TIMEOUT_S:.0f} s')

    def play(self, bag: Path, overlay_moments: list[float]) -> None:
        """Publish the messages at the intervals of the recording."""
        recorded = _read(bag)
        first_ns = recorded[0][0]
        self._moments_ns = [first_ns + round(1e9 * moment) for moment in sorted(overlay_moments)]
        self._repeat(recorded[0])
        begin = time.monotonic()
        for each in progress_bar(recorded[1:], 'replaying', sys.stdout):
            due = begin + (each[0] - first_ns) / 1e9
            self._spin_until(lambda: False, due - time.monotonic())
            self._subscribe_to_overlays(each[0])
            self._send(each)
        last = recorded[-1][0]
        self._spin_until(
            lambda: any(pose.stamp_ns == last for pose in self.result.poses), _LAST_POSE_TIMEOUT_S
        )

    def _repeat(self, recorded: Recorded) -> None:
        """Publish an image until it has a pose, as from a camera that does not move at first.

        It is published several times, as it may arrive before its camera_info.
        """
        for _ in range(_FIRST_POSE_ATTEMPTS):
            self._send(recorded)
            if self._spin_until(lambda: bool(self.result.poses), _FIRST_POSE_TIMEOUT_S):
                return

    def _send(self, recorded: Recorded) -> None:
        stamp_ns, camera_info, image = recorded
        # Recordings contain serialized messages, which are published unchanged.
        publish(self, self._infos.publish, camera_info)
        self.result.sent[stamp_ns] = time.monotonic()
        publish(self, self._images.publish, image)

    def _subscribe_to_overlays(self, stamp_ns: int) -> None:
        """Subscribe to overlays only around the wanted moments, as drawing them takes time."""
        wanted = bool(self._moments_ns) and stamp_ns >= self._moments_ns[0] - _OVERLAY_LEAD_NS
        if wanted and self._overlays is None:
            topic = f'{NODE_NAME}/overlay'
            self._overlays = self.create_subscription(Image, topic, self._on_overlay, 2)
        elif not wanted and self._overlays is not None:
            self.destroy_subscription(self._overlays)
            self._overlays = None

    def _spin_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Handle messages until `done` returns true; return whether it did before the timeout."""
        end = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > end:
                return False
            self._check()
            self._executor.spin_once(timeout_sec=0.005)
        return True

    def _on_pose(self, message: PoseStamped) -> None:
        received = time.monotonic()
        p, q = message.pose.position, message.pose.orientation
        pose = pose_from_numbers([p.x, p.y, p.z, q.x, q.y, q.z, q.w])
        self.result.poses.append(ReceivedPose(_stamp_ns(message), pose, received))

    def _on_covariance(self, message: PoseWithCovarianceStamped) -> None:
        covariance = np.asarray(message.pose.covariance).reshape(6, 6)
        self.result.covariances[_stamp_ns(message)] = covariance

    def _on_overlay(self, message: Image) -> None:
        stamp_ns = _stamp_ns(message)
        if self._moments_ns and stamp_ns >= self._moments_ns[0]:
            del self._moments_ns[0]
            self.result.overlays[stamp_ns] = self._reader.rgb(message)


def _read(bag: Path) -> list[Recorded]:
    """Return the images of a recording with their camera_info, in order."""
    contents: dict[str, dict[int, bytes]] = {CAMERA_INFO_TOPIC: {}, IMAGE_TOPIC: {}}
    with AnyReader([bag]) as reader:
        connections = [c for c in reader.connections if c.topic in contents]
        for connection, recorded_ns, data in reader.messages(connections):
            contents[connection.topic][recorded_ns] = bytes(data)
    return [
        (stamp_ns, contents[CAMERA_INFO_TOPIC][stamp_ns], image)
        for stamp_ns, image in sorted(contents[IMAGE_TOPIC].items())
    ]


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
