"""The node: images and camera_info in, poses, TF and an overlay out."""

from __future__ import annotations

import time
from pathlib import Path

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.pose import pose_to_numbers
from mesh_reloc_ros.progress import Progress, ProgressLines
from mesh_reloc_ros.relocalization.relocalizer import make_relocalizer
from mesh_reloc_ros.ros import parameters
from mesh_reloc_ros.ros.conversions import frame_from_messages
from mesh_reloc_ros.ros.diagnostics import Diagnostics
from mesh_reloc_ros.ros.inputs import CameraInfoInput, ImageInput
from mesh_reloc_ros.ros.latest import LatestWorker
from mesh_reloc_ros.ros.outputs import OverlayPublisher, PosePublisher, publish_mesh
from mesh_reloc_ros.ros.start_pose import StartPoses, start_pose_from_message
from mesh_reloc_ros.ros.watchdog import Watchdog
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.tracking.search import Search
from mesh_reloc_ros.tracking.settings import Settings
from mesh_reloc_ros.tracking.tracker import Tracker
from mesh_reloc_ros.tracking.warm_up import warm_up

_NO_START_POSE = 'no start pose: set the parameter initial_pose, or publish one on initialpose'
_WATCH_PERIOD_S = 0.25
_RESTART_S = 1.0
"""An image that is older than the last by more than this comes from a bag that plays again."""

_LOOK_AHEAD_NICENESS = 5
"""Rendering for the next image stands back for tracking this one."""


class MeshRelocNode(Node):
    """Tracks the camera on one worker thread; the executor's thread only receives and answers."""

    def __init__(self) -> None:
        """Load the mesh and start.

        :raises InputError: a parameter or the mesh cannot be used.
        """
        super().__init__('mesh_reloc')
        self.failure: Exception | None = None
        """What ended a thread of the node, where something did."""
        settings, pipeline = parameters.declare_parameters(self)
        self._settings = settings
        mesh = parameters.mesh_path(settings.mesh)
        start = parameters.initial_pose(settings.initial_pose)
        self._starts = StartPoses(start, pipeline.relocalization.enabled)
        self.get_logger().info(f'loading {mesh}')
        progress = ProgressLines(self.get_logger().info)
        scene = Scene.load(mesh, pipeline.device, pipeline.rasterizer, progress)
        self.get_logger().info('warming up (the first time takes longer)')
        warm_up(scene, pipeline)
        self._search = self._make_search(scene, pipeline, mesh, progress)
        self._tracker = Tracker(scene, pipeline, self._search)
        self._started = False
        self._last_stamp_ns = 0
        self._stale = 0
        self._info: CameraInfo | None = None

        self._poses = PosePublisher(self, settings.map_frame, settings.publish_tf)
        self._overlay = OverlayPublisher(self, scene, settings.overlay, self._fail)
        self._worker: LatestWorker[tuple[Image | CompressedImage, float]] = LatestWorker(
            'tracking', self._track, self._fail
        )
        self._ahead: LatestWorker[Tracker] = LatestWorker(
            'look-ahead', Tracker.look_ahead, self._fail, _LOOK_AHEAD_NICENESS
        )
        self._images = ImageInput(
            self, settings.image_transport, settings.image_reliability, self._on_image
        )
        self._infos = CameraInfoInput(self, self._on_camera_info)
        self._watchdogs = [
            Watchdog('image', self._images, settings.image_timeout, self.get_logger()),
            Watchdog('camera_info', self._infos, settings.image_timeout, self.get_logger()),
        ]
        facts = {
            'mesh': str(mesh),
            'device': str(scene.device),
            'rasterizer': scene.rasterizer.name,
            'solver': pipeline.solver,
        }
        self._diagnostics = Diagnostics(self, self._watchdogs, facts, self._counts)
        self._serve()
        self._mesh_publisher = publish_mesh(self, mesh, settings.map_frame)
        for name in parameters.unknown_parameters(self):
            self.get_logger().warning(
                f'unknown parameter {name}: ignored; config/mesh_reloc.yaml lists them all'
            )
        self.get_logger().info(
            f'ready: {self._images.topic} and {self._infos.topic}, on {scene.device}'
        )

    def stop(self, timeout_s: float) -> bool:
        """End the node's threads; return False if a piece of work takes longer than allowed."""
        threads = (self._worker, self._ahead, self._overlay)
        ended = [thread.stop(timeout_s) for thread in threads]
        return all(ended) and (self._search is None or self._search.close(timeout_s))

    def _make_search(
        self, scene: Scene, pipeline: Settings, mesh: Path, progress: Progress
    ) -> Search | None:
        """Return what finds the camera without a start pose; None where that is switched off.

        :raises InputError: the cameras of the parameter `views` cannot be read.
        """
        if not pipeline.relocalization.enabled:
            return None
        self.get_logger().info('preparing views of the mesh (the first time takes longer)')
        views = Path(self._settings.views).expanduser() if self._settings.views else None
        relocalizer = make_relocalizer(
            scene, pipeline.relocalization, pipeline.alignment, mesh, views, progress
        )
        relocalizer.prepare()
        return Search(relocalizer, background=True)

    def _serve(self) -> None:
        self.create_subscription(PoseWithCovarianceStamped, 'initialpose', self._on_initial_pose, 1)
        self.create_service(Trigger, '~/relocalize', self._on_relocalize)
        self.create_service(Trigger, '~/reset', self._on_reset)
        # Wall time: with simulated time these must run while the clock stands still.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_WATCH_PERIOD_S, self._watch, clock=clock)
        self.create_timer(self._settings.diagnostics_period, self._diagnostics.publish, clock=clock)

    # On the executor's thread.

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._worker.put((message, time.monotonic()))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._info = message

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        try:
            pose, is_flat = start_pose_from_message(
                message, self._settings.map_frame, self._starts.latest
            )
        except InputError as error:
            self._diagnostics.error(str(error), always_log=True)
            return
        self._starts.give(pose)
        numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(pose))
        kept = ' (2-D pose: height and tilt are kept)' if is_flat else ''
        self.get_logger().info(f'start pose from initialpose: {numbers}{kept}')

    def _on_relocalize(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._starts.relocalize())

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._starts.reset())

    def _answer(self, response: Trigger.Response, start: str) -> Trigger.Response:
        """Say what the tracker will begin with."""
        response.success = bool(start)
        response.message = (
            f'tracking starts anew from {start}, with the next image' if start else _NO_START_POSE
        )
        self.get_logger().info(response.message)
        return response

    def _watch(self) -> None:
        if self._images.adapt():
            self.get_logger().info(
                f'{self._images.topic}: now asking for {self._images.qos.reliability.name.lower()}'
                ' images, as the publisher offers'
            )
        for watchdog in self._watchdogs:
            watchdog.check()

    def _counts(self) -> dict[str, int]:
        return {
            'images received': self._images.received,
            'images dropped': self._worker.replaced + self._stale,
            'overlays published': self._overlay.published,
        }

    # On the worker's thread.

    def _track(self, job: tuple[Image | CompressedImage, float]) -> None:
        """Track one image, and publish what comes of it."""
        message, arrival = job
        if self._info is None:
            self._diagnostics.waiting('waiting for camera_info')
            return
        try:
            frame = frame_from_messages(message, self._info)
            if not self._prepare(frame.stamp_ns):
                return
            estimate = self._tracker.track(frame)
        except InputError as error:
            self._diagnostics.error(str(error))
            return
        if estimate.trusted:
            self._starts.trust(estimate.map_T_camera)
        self._poses.publish(estimate, self._child_frame(message))
        self._ahead.put(self._tracker)
        latency_ms = 1e3 * (time.monotonic() - arrival)
        self._diagnostics.tracked(estimate, latency_ms)
        self._overlay.offer(frame, estimate, latency_ms, message.header)

    def _prepare(self, stamp_ns: int) -> bool:
        """Start the tracker where that was asked for; return whether the image can be tracked."""
        if stamp_ns < self._last_stamp_ns - _RESTART_S * 1e9:
            self.get_logger().info(
                'time went back in the images: starting anew as at the beginning'
            )
            self._starts.reset()
        elif stamp_ns <= self._last_stamp_ns:
            self._stale += 1
            return False
        self._last_stamp_ns = stamp_ns
        requested = self._starts.take()
        if requested is not None:
            if requested.map_T_camera is None:
                self._tracker.start_anywhere()
            else:
                self._tracker.start_at(requested.map_T_camera)
            self._started = True
        if not self._started:
            self._diagnostics.waiting(_NO_START_POSE)
        return self._started

    def _child_frame(self, message: Image | CompressedImage) -> str:
        """Return the camera's frame in TF, '' where there is none that could be."""
        frame: str = self._settings.child_frame or message.header.frame_id
        if frame and frame != self._settings.map_frame:
            return frame
        self.get_logger().warning(
            f'no TF: the images are in the frame {frame!r}; set the parameter child_frame to the'
            ' optical frame of the camera',
            once=True,
        )
        return ''

    def _fail(self, error: Exception) -> None:
        """End the node, as what failed is no fault of the input."""
        # After a shutdown publishing fails, and that is no failure.
        if self.context.ok():
            self.failure = error
            self.context.try_shutdown()
