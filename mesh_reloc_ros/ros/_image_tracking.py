"""From images to poses, while the node is active."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future

from rclpy.node import Node

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.stamps import stamp_of_image, stamp_to_ns
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.ros._backlog import Arrival, Backlog
from mesh_reloc_ros.ros._diagnostics import Diagnostics
from mesh_reloc_ros.ros._image_source import AnyImage, ImageSource
from mesh_reloc_ros.ros._load import Load
from mesh_reloc_ros.ros._parameters import NodeParameters
from mesh_reloc_ros.ros._pose_sink import PoseSink
from mesh_reloc_ros.ros._processor_time import ProcessorTime
from mesh_reloc_ros.ros._worker import LatestOnlyWorker
from mesh_reloc_ros.timeline import TimeEvent, clock_problem, is_live
from mesh_reloc_ros.types.estimate import State

NO_INITIAL_POSE = 'no start pose: set the parameter initial_pose, or publish one on initialpose'
_NONE_IS_NEWER = (
    'images arrive, but none that is newer than the last: have the driver stamp each with its own'
    ' time'
)
# Most images that wait.
_QUEUE = 12


class ImageTracking:
    """Connects source, pipeline and sink: one thread tracks, another renders ahead."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        pipeline: Pipeline,
        sink: PoseSink,
        diagnostics: Diagnostics,
    ) -> None:
        """Subscribe to images and track them."""
        self._node = node
        self._parameters = parameters
        self._pipeline = pipeline
        # Settings may have changed since the node was configured, or was active last.
        pipeline.change(parameters.pipeline)
        pipeline.resume()
        self._sink = sink
        self._diagnostics = diagnostics
        self._processor_time = ProcessorTime()
        self._stale = self._last_ns = 0
        # The event of the last image, and when the last one was tracked or refused.
        self._event, self._worked = TimeEvent.NEXT, time.monotonic()
        self._backlog, self._load = Backlog(), Load()
        self._replaced = 0
        self._worker: LatestOnlyWorker[Arrival] = LatestOnlyWorker(
            'tracking', self._track, keep=_QUEUE, choose=self._choose
        )
        self._ahead: LatestOnlyWorker[Pipeline] = LatestOnlyWorker(
            'look-ahead', Pipeline.look_ahead
        )
        self._source = ImageSource(node, parameters, self._receive)
        sink.activate(self._source.odometry)

    @property
    def topics(self) -> str:
        """The topics that are subscribed to, in words."""
        return self._source.topics

    @property
    def results(self) -> list[Future[None]]:
        """The results of the threads; see `LatestOnlyWorker`."""
        return [self._worker.result, self._ahead.result]

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of images so far, by name."""
        return {
            **self._source.counts,
            'images processed': self._worker.finished,
            'images dropped': self._worker.replaced,
            'images out of order': self._stale,
            'last image [ns]': self._last_ns,
        }

    def watch(self) -> None:
        """Match the QoS of publishers and report problems. Call it regularly, on the executor."""
        self._source.watch(self._diagnostics)
        is_long = time.monotonic() - self._worked > self._parameters.node.image_timeout
        is_stuck = is_long and self._event is TimeEvent.STALE and self._source.is_receiving
        self._diagnostics.problem('stamps', _NONE_IS_NEWER if is_stuck else '')
        self._processor_time.watch(
            self._worker.finished,
            self._worker.replaced,
            is_searching=self._pipeline.tracker.state.is_searching,
        )
        too_little = self._processor_time.problem(
            self._pipeline.settings.alignment.finest_level,
            reduces=self._parameters.node.reduce_under_load,
        )
        self._diagnostics.problem('processor time', too_little)

    def stop(self, timeout_s: float) -> bool:
        """Stop tracking; return False if a thread exceeds the timeout. No pose comes afterwards."""
        self._source.close()
        ended = [thread.stop(timeout_s) for thread in (self._worker, self._ahead)]
        self._sink.deactivate()
        return all(ended)

    def _receive(self, message: AnyImage) -> None:
        self._worker.put(Arrival(message, time.monotonic()))

    # On the tracking thread.

    def _choose(self, waiting: Sequence[Arrival]) -> int:
        """Return the index of the next image."""
        tracked_ns = self._pipeline.timeline.last_ns if self._follows() else None
        return self._backlog.choose(waiting, tracked_ns)

    def _track(self, arrival: Arrival) -> None:
        """Process one image; note its stamp, and how long it took."""
        began, processor_began = time.monotonic(), time.thread_time()
        self._track_if_in_order(arrival)
        self._last_ns = stamp_to_ns(arrival.message.header.stamp)
        self._note_work(time.monotonic() - began, time.thread_time() - processor_began)

    def _settings(self) -> Settings:
        """Return the settings to track the next image with."""
        settings = self._parameters.pipeline
        # A track starts with all points: its first pose decides about the next ones.
        if self._parameters.node.reduce_under_load and self._follows():
            return self._load.settings(settings)
        return settings

    def _follows(self) -> bool:
        """Whether the next image is to continue a track."""
        pipeline = self._pipeline
        # A pose that a user gives is that of now.
        return pipeline.tracker.state is State.TRACKING and not pipeline.initialization.pending

    def _note_work(self, work_s: float, processor_s: float) -> None:
        """Take note of how long an image took, and of its processor time."""
        replaced = self._worker.replaced
        dropped, self._replaced = replaced - self._replaced, replaced
        self._backlog.note(work_s)
        if self._pipeline.tracker.state is State.TRACKING:
            self._load.note(self._last_ns, work_s, processor_s, dropped)
        else:
            self._load.forget()

    def _track_if_in_order(self, arrival: Arrival) -> None:
        """Track one image if it is in order, and pass the estimate on."""
        try:
            stamp_ns = stamp_of_image(arrival.message)
            self._sink.mount.camera_frame = self._source.camera_frame(arrival.message)
            if not self._source.has_camera_info():
                self._diagnostics.waiting('waiting for camera_info')
            elif self._admit(stamp_ns):
                self._localize(arrival)
            else:
                self._stale += 1
                return
        except InputError as error:
            self._diagnostics.error(str(error))
        self._worked = time.monotonic()

    def _admit(self, stamp_ns: int) -> bool:
        """Reset what a jump back in time invalidates; return whether the image is in order."""
        now_ns = self._node.get_clock().now().nanoseconds
        is_simulated = bool(self._node.get_parameter('use_sim_time').value)
        before_ns = self._pipeline.timeline.last_ns
        clock_was_set = is_live(stamp_ns, now_ns, is_simulated)
        self._event = self._pipeline.admit(stamp_ns, clock_was_set=clock_was_set)
        if self._event is TimeEvent.STALE:
            return False
        if self._event is TimeEvent.JUMP_BACK and before_ns is not None:
            start = self._pipeline.initialization.pending or 'nothing'
            self._diagnostics.note(f'time went back in the images: tracking restarts from {start}')
            self._source.jump_back(before_ns)
            self._sink.jump_back()
        self._diagnostics.problem('clock', clock_problem(stamp_ns, now_ns, is_simulated))
        return True

    def _localize(self, arrival: Arrival) -> None:
        """Track an image that is in order.

        :raises InputError: the image or its camera_info cannot be used.
        """
        message, pipeline = arrival.message, self._pipeline
        frame = self._source.frame(message)
        pipeline.change(self._settings())
        if not pipeline.is_ready:
            self._diagnostics.waiting(NO_INITIAL_POSE)
            return
        estimate = pipeline.localize(frame)
        if estimate.trusted:
            self._sink.publish(estimate, frame, self._source.camera_frame(message))
        self._ahead.put(pipeline)
        odometry = self._source.odometry
        self._diagnostics.problem('odometry', '' if odometry is None else odometry.problem)
        latency_ms = 1e3 * (time.monotonic() - arrival.time_s)
        self._sink.show(estimate, frame, message.header, latency_ms)
