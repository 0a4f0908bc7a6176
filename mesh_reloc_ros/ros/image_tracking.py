"""From images to poses, while the node is active."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.stamps import stamp_of_image, stamp_to_ns
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.ros.camera_infos import CameraInfos
from mesh_reloc_ros.ros.diagnostics import Diagnostics
from mesh_reloc_ros.ros.frames import FrameReader
from mesh_reloc_ros.ros.inputs import CameraInfoInput, ImageInput
from mesh_reloc_ros.ros.odometry import Odometry
from mesh_reloc_ros.ros.outputs import Outputs
from mesh_reloc_ros.ros.parameters import NodeParameters
from mesh_reloc_ros.ros.tf_output import TfOutput
from mesh_reloc_ros.ros.watchdog import Watchdog
from mesh_reloc_ros.ros.worker import LatestOnlyWorker, newest
from mesh_reloc_ros.timeline import TimeEvent, clock_problem, is_live
from mesh_reloc_ros.types.estimate import PoseEstimate, State
from mesh_reloc_ros.types.frame import Frame

NO_START_POSE = 'no start pose: set the parameter initial_pose, or publish one on initialpose'
_STAND_STILL = (
    'images arrive, but none that is newer than the last: have the driver stamp each with its own'
    ' time'
)
_LOOK_AHEAD_NICENESS = 5
"""Rendering for the next image stands back for tracking this one."""

# Images that wait, how far apart those are that are worked on, and how old they may be.
_KEPT, _STEP_S, _LONGEST_LAG_S = 8, 0.15, 0.5

AnyImage: TypeAlias = 'Image | CompressedImage'
Job: TypeAlias = 'tuple[AnyImage, float]'
"""An image, and when it came, in seconds of the monotonic clock."""


class ImageTracking:
    """Tracks on one thread, renders ahead on another; the executor's only receives."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        pipeline: Pipeline,
        outputs: Outputs,
        diagnostics: Diagnostics,
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Subscribe, and work on what comes.

        :param on_failure: called with an exception that ended a thread.
        """
        settings = parameters.node
        self._node = node
        self._parameters = parameters
        self._pipeline = pipeline
        # Settings may have changed since the node was configured, or active last.
        pipeline.change(parameters.pipeline)
        self._outputs = outputs
        self._diagnostics = diagnostics
        self._stale = 0
        self._none_is_newer = False
        self._infos = CameraInfos()
        self._reader = FrameReader(settings.rectify)
        self._odometry = Odometry(node, settings.odom_frame) if settings.has_odometry else None
        self._tf = TfOutput(node, settings, self._odometry)
        self._worker: LatestOnlyWorker[Job] = LatestOnlyWorker(
            'tracking', self._track, on_failure, keep=_KEPT, choose=self._next
        )
        self._ahead: LatestOnlyWorker[Pipeline] = LatestOnlyWorker(
            'look-ahead', Pipeline.look_ahead, on_failure, _LOOK_AHEAD_NICENESS
        )
        self._images = ImageInput(
            node, settings.image_transport, settings.image_reliability, self._on_image
        )
        self._info_input = CameraInfoInput(node, self._infos.add)
        self._image_watchdog = Watchdog('image', self._images)
        self._info_watchdog = Watchdog('camera_info', self._info_input)
        self._worked = time.monotonic()
        diagnostics.counts = self._counts

    @property
    def topics(self) -> str:
        """What is listened to, in words."""
        return f'{self._images.topic} and {self._info_input.topic}'

    def watch(self) -> None:
        """Adapt to the publishers, and report silence. Called now and then by the executor."""
        for source in (self._images, self._info_input):
            if change := source.adapt():
                self._node.get_logger().info(f'{change}, as the publisher offers')
        timeout_s = self._parameters.node.image_timeout
        silence = self._image_watchdog.check(timeout_s)
        self._diagnostics.problem('image', silence)
        # One is enough for images whose camera_info never changes.
        is_missing = not self._info_input.received
        missing = self._info_watchdog.check(timeout_s) if is_missing else ''
        self._diagnostics.problem('camera_info', missing)
        is_long = time.monotonic() - self._worked > timeout_s
        stands_still = is_long and self._none_is_newer and not silence
        self._diagnostics.problem('stamps', _STAND_STILL if stands_still else '')
        self._diagnostics.problem('publishers', self._images.rivals())

    def stop(self, timeout_s: float) -> bool:
        """End it; return False if a piece of work takes longer than allowed.

        No pose is published afterwards.
        """
        self._images.close()
        self._info_input.close()
        if self._odometry is not None:
            self._odometry.stop()
        ended = [thread.stop(timeout_s) for thread in (self._worker, self._ahead)]
        self._tf.close()
        self._diagnostics.counts = dict
        return all(ended)

    def _on_image(self, message: AnyImage) -> None:
        self._worker.put((message, time.monotonic()))

    def _counts(self) -> dict[str, int]:
        return {
            'images received': self._images.received,
            'images processed': self._worker.finished,
            'images dropped': self._worker.replaced,
            'images out of order': self._stale,
            'camera_info received': self._info_input.received,
            'transforms published': self._tf.published,
            'overlays published': self._outputs.overlay.published,
        }

    # On the worker's thread.

    def _next(self, waiting: Sequence[Job]) -> int:
        """Choose the newest image, but one in between where it lies far ahead of the last.

        After an image that took long the camera is far from where it was, and so would the next
        take long. A few steps to the newest take less.
        """
        last_ns, now = self._pipeline.timeline.last_ns, time.monotonic()
        if last_ns is not None and self._pipeline.tracker.state is State.TRACKING:
            for index, (message, arrival) in enumerate(waiting):
                is_a_step = stamp_to_ns(message.header.stamp) >= last_ns + _STEP_S * 1e9
                if is_a_step and now - arrival <= _LONGEST_LAG_S:
                    return index
        return newest(waiting)

    def _track(self, job: Job) -> None:
        """Track one image, and publish what comes of it."""
        message, arrival = job
        try:
            frame = self._frame(message)
            if frame is None:
                return
            self._worked = time.monotonic()
            self._pipeline.change(self._parameters.pipeline)
            if not self._pipeline.is_ready:
                self._diagnostics.waiting(NO_START_POSE)
                return
            estimate = self._pipeline.localize(frame)
        except InputError as error:
            self._worked = time.monotonic()
            self._diagnostics.error(str(error))
            return
        if estimate.trusted:
            self._publish(estimate, frame, self._camera_frame(message))
        self._diagnostics.problem('odometry', self._odometry.problem if self._odometry else '')
        self._ahead.put(self._pipeline)
        latency_ms = 1e3 * (time.monotonic() - arrival)
        self._diagnostics.tracked(estimate, latency_ms)
        self._outputs.overlay.offer(
            frame, estimate, latency_ms, message.header, self._parameters.node.overlay
        )

    def _frame(self, message: AnyImage) -> Frame | None:
        """Return the frame of an image; None where it is not to be tracked.

        :raises InputError: the image or its camera_info cannot be used.
        """
        stamp_ns = stamp_of_image(message)
        if not self._is_in_order(stamp_ns):
            return None
        info = self._infos.of(stamp_ns)
        if info is None:
            self._worked = time.monotonic()
            self._diagnostics.waiting('waiting for camera_info')
            return None
        frame = self._reader.read(message, info, self._images.topic)
        if self._odometry is None:
            return frame
        odom_T_camera = self._odometry.at(
            self._camera_frame(message), stamp_ns, self._parameters.node.transform_timeout
        )
        return dataclasses.replace(frame, odom_T_camera=odom_T_camera)

    def _is_in_order(self, stamp_ns: int) -> bool:
        now_ns = self._node.get_clock().now().nanoseconds
        is_simulated = bool(self._node.get_parameter('use_sim_time').value)
        before_ns = self._pipeline.timeline.last_ns
        event = self._pipeline.admit(
            stamp_ns, clock_was_set=is_live(stamp_ns, now_ns, is_simulated)
        )
        self._none_is_newer = event is TimeEvent.STALE
        if event is TimeEvent.STALE:
            self._stale += 1
            return False
        if event is TimeEvent.JUMP_BACK and before_ns is not None:
            self._start_again(before_ns)
        self._diagnostics.problem('clock', clock_problem(stamp_ns, now_ns, is_simulated))
        return True

    def _start_again(self, before_ns: int) -> None:
        """Forget what belongs to the time before a jump back, which ended at `before_ns`."""
        start = self._pipeline.initialization.pending or 'nothing'
        self._diagnostics.note(f'time went back in the images: starting anew from {start}')
        self._outputs.path.clear()
        self._infos.clear()
        if self._odometry is not None:
            self._odometry.clear(before_ns)

    def _publish(self, estimate: PoseEstimate, frame: Frame, camera_frame: str) -> None:
        settings = self._parameters.node
        self._outputs.poses.publish(estimate)
        self._tf.publish(estimate, camera_frame, frame.odom_T_camera, settings.transform_tolerance)
        self._diagnostics.problem('TF', self._tf.problem)
        self._outputs.saved.take(estimate.map_T_camera)
        self._outputs.path.add(estimate, settings.path_length)

    def _camera_frame(self, message: AnyImage) -> str:
        """Return the name of the camera's frame in TF, '' where there is none."""
        return self._parameters.node.camera_frame or message.header.frame_id.lstrip('/')
