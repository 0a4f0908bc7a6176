"""Live images: subscriptions, the camera_info and odometry of each image, and watchdogs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from mesh_reloc_ros.messages.camera_info_buffer import CameraInfoBuffer
from mesh_reloc_ros.messages.stamps import stamp_to_ns
from mesh_reloc_ros.ros._diagnostics import Diagnostics
from mesh_reloc_ros.ros._frames import frame_reader
from mesh_reloc_ros.ros._input import Input, camera_info_input, image_input
from mesh_reloc_ros.ros._odometry import Odometry
from mesh_reloc_ros.ros._parameters import NodeParameters
from mesh_reloc_ros.ros._watchdog import explain_silence
from mesh_reloc_ros.types.frame import Frame

AnyImage: TypeAlias = 'Image | CompressedImage'


class ImageSource:
    """Receives images on the executor's thread, and makes frames of them on another."""

    def __init__(
        self, node: Node, parameters: NodeParameters, on_image: Callable[[AnyImage], None]
    ) -> None:
        """Subscribe.

        :param on_image: called with each image that is received.
        """
        settings = parameters.node
        self.odometry = Odometry(node, settings.odom_frame) if settings.has_odometry else None
        """Where the camera is in `odom_frame`; None if it is not looked up."""
        self._node = node
        self._parameters = parameters
        self._reader = frame_reader(settings.rectify)
        self._infos = CameraInfoBuffer()
        self._image_input = image_input(
            node, settings.image_transport, settings.image_reliability, on_image
        )
        self._info_input = camera_info_input(node, self._infos.add)

    @property
    def topics(self) -> str:
        """The topics that are subscribed to, in words."""
        return f'{self._image_input.topic} and {self._info_input.topic}'

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of messages received, by name."""
        return {
            'images received': self._image_input.received,
            'camera_info received': self._info_input.received,
        }

    @property
    def is_receiving(self) -> bool:
        """Whether an image has come within the parameter `image_timeout`."""
        return self._image_input.silent_for() <= self._parameters.node.image_timeout

    def camera_frame(self, message: AnyImage) -> str:
        """Return the name of the camera's frame in TF, '' if the image has none."""
        return self._parameters.node.camera_frame or message.header.frame_id.lstrip('/')

    def has_camera_info(self) -> bool:
        """Return whether any camera_info has come; wait for a moment if not."""
        return self._infos.has_any()

    def frame(self, message: AnyImage) -> Frame:
        """Return the frame of an image, once there is a camera_info.

        It waits for a moment for the camera_info of the image's stamp, and for odometry.

        :raises InputError: the image or its camera_info cannot be used.
        """
        stamp_ns = stamp_to_ns(message.header.stamp)
        info = self._infos.wait_for(stamp_ns)
        frame = self._reader.read(message, info, self._image_input.topic)
        if self.odometry is None:
            return frame
        timeout_s = self._parameters.node.transform_timeout
        odom_T_camera = self.odometry.at(self.camera_frame(message), stamp_ns, timeout_s)
        return dataclasses.replace(frame, odom_T_camera=odom_T_camera)

    def jump_back(self, before_ns: int) -> None:
        """Forget camera_info and transforms of the time before a jump back.

        :param before_ns: stamp of the last image before it.
        """
        self._infos.jump_back(before_ns)
        if self.odometry is not None:
            self.odometry.clear(before_ns)

    def watch(self, diagnostics: Diagnostics) -> None:
        """Match the QoS of the publishers, and report silence and competing publishers."""
        for source in (self._image_input, self._info_input):
            if change := source.match_publisher_qos():
                self._node.get_logger().info(f'{change}, as the publisher offers')
        self._report_silence(diagnostics, 'image', self._image_input)
        # One is enough for images whose camera_info never changes.
        if self._info_input.received:
            diagnostics.problem('camera_info', '')
        else:
            self._report_silence(diagnostics, 'camera_info', self._info_input)
        diagnostics.problem('publishers', self._image_input.competing_publishers())

    def _report_silence(self, diagnostics: Diagnostics, what: str, source: Input) -> None:
        """Report why nothing arrives, or that it does."""
        timeout_s = self._parameters.node.image_timeout
        # Publishers that have just come have their time to send, too.
        if source.silent_for() <= timeout_s or source.settled_for() > timeout_s:
            diagnostics.problem(what, explain_silence(what, source, timeout_s))

    def close(self) -> None:
        """Stop listening, and end a wait for odometry."""
        self._image_input.close()
        self._info_input.close()
        if self.odometry is not None:
            self.odometry.stop()
