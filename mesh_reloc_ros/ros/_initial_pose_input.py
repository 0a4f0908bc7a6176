"""How users say where the camera is: initialpose, ~/set_pose, ~/relocalize, ~/reset, parameters."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.srv import SetMap
from rclpy.node import Node
from std_srvs.srv import Trigger

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameters import initial_pose
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.initialization import Initialization
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.ros._diagnostics import Diagnostics
from mesh_reloc_ros.ros._image_tracking import NO_INITIAL_POSE
from mesh_reloc_ros.ros._initial_pose_message import BASE_T_FORWARD, start_from_message
from mesh_reloc_ros.ros._mount import CameraMount, covariance_at
from mesh_reloc_ros.ros._parameters import NodeParameters
from mesh_reloc_ros.ros._saved_pose import SavedPose
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import pose_to_numbers

_NOT_CONFIGURED = 'the node is not configured'


class InitialPoseInput:
    """Passes users' requests on to a pipeline, once there is one."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        diagnostics: Diagnostics,
        mount: CameraMount,
    ) -> None:
        """Subscribe and create the services."""
        self._node = node
        self._parameters = parameters
        self._diagnostics = diagnostics
        self._pipeline: Pipeline | None = None
        self._saved: SavedPose | None = None
        self._mount = mount
        node.create_subscription(PoseWithCovarianceStamped, 'initialpose', self._on_message, 1)
        # The one standard service type with a pose. Its map is not used.
        node.create_service(SetMap, '~/set_pose', self._on_set_pose)
        node.create_service(Trigger, '~/relocalize', self._on_relocalize)
        node.create_service(Trigger, '~/reset', self._on_reset)

    def connect(self, pipeline: Pipeline, saved: SavedPose) -> None:
        """Start a loaded pipeline from what the parameters say, and pass requests on to it."""
        self._pipeline, self._saved = pipeline, saved
        pipeline.initialization.change(self._by_parameters(saved))
        pipeline.initialization.begin_again()

    def disconnect(self) -> None:
        """Refuse requests."""
        self._pipeline = self._saved = None

    def parameters_changed(self, before: NodeSettings) -> None:
        """Act on changed parameters.

        :param before: the parameters before the change.
        """
        if self._pipeline is None or self._saved is None:
            return
        settings, queue = self._parameters.node, self._pipeline.initialization
        has_moved = settings.initial_pose != before.initial_pose
        if has_moved or settings.initialization != before.initialization:
            queue.change(self._by_parameters(self._saved))
        pose = initial_pose(settings)
        if has_moved and pose is not None:
            queue.give(Initialization(InitialPose(pose)))

    def _by_parameters(self, saved: SavedPose) -> Initialization | None:
        """Return the initialization that the parameters ask for; None: global."""
        settings = self._parameters.node
        if settings.initialization == 'global':
            return None
        if settings.initialization == 'saved':
            try:
                pose = saved.read()
            except InputError as error:
                self._node.get_logger().warning(str(error))
                pose = None
            if pose is not None:
                self._node.get_logger().info(f'starting from the pose saved in {saved.file}')
                return Initialization(InitialPose(pose), 'the saved pose')
        pose = initial_pose(settings)
        return None if pose is None else Initialization(InitialPose(pose))

    def _on_message(self, message: PoseWithCovarianceStamped) -> None:
        self._take(message, 'initialpose')

    def _on_set_pose(self, request: SetMap.Request, response: SetMap.Response) -> SetMap.Response:
        response.success = self._take(request.initial_pose, 'set_pose')
        return response

    def _take(self, message: PoseWithCovarianceStamped, source: str) -> bool:
        """Start at the pose of a message with the next image; return False if it is refused."""
        if self._pipeline is None:
            self._node.get_logger().error(f'{source}: ignored, as {_NOT_CONFIGURED}')
            return False
        queue = self._pipeline.initialization
        try:
            start, added = self._start(message, self._pipeline, source)
        except InputError as error:
            self._diagnostics.error(str(error), always_log=True)
            return False
        queue.give(Initialization(start, f'the pose from {source}'))
        numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(start.map_T_camera))
        remark = f' ({added})' if added else ''
        self._node.get_logger().info(f'start pose from {source}: {numbers}{remark}')
        return True

    def _start(
        self, message: PoseWithCovarianceStamped, pipeline: Pipeline, source: str
    ) -> tuple[InitialPose, str]:
        """Return where the camera is by a message, and what was added to it, in a few words.

        :raises InputError: the message cannot be used, or TF lacks the camera on the robot.
        """
        settings, reference = self._parameters.node, pipeline.initialization.latest
        frame = message.header.frame_id.lstrip('/')
        map_T_frame = self._mount.frames.pose(settings.map_frame, frame)
        base_T_camera = self._base_T_camera(source)
        if base_T_camera is not None and reference is not None:
            reference = reference @ np.linalg.inv(base_T_camera) @ BASE_T_FORWARD
        start, added = start_from_message(
            message,
            settings.map_frame,
            reference,
            _heights(pipeline, map_T_frame),
            self._parameters.pipeline.relocalization.up_axis,
            map_T_frame,
            source,
        )
        if base_T_camera is None:
            return start, added
        # What is added makes it the pose of a camera, here of one that looks ahead from the base.
        base = start.map_T_camera @ BASE_T_FORWARD.T if added else start.map_T_camera
        camera, covariance = base @ base_T_camera, start.covariance
        if covariance is not None:
            covariance = covariance_at(covariance, camera[:3, 3] - base[:3, 3])
        return InitialPose(camera, covariance), added

    def _base_T_camera(self, source: str) -> Array | None:
        """Return where the camera is on the robot [4, 4]; None if poses are of the camera.

        :raises InputError: TF does not say so.
        """
        if not self._parameters.node.base_frame:
            return None
        pose = self._mount.base_T_camera()
        if pose is None:
            raise InputError(f'{source}: {self._mount.missing}')
        return pose

    def _on_relocalize(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        pipeline = self._pipeline
        start = None if pipeline is None else pipeline.initialization.relocalize()
        return self._answer(response, start)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        pipeline = self._pipeline
        start = None if pipeline is None else pipeline.initialization.reset()
        return self._answer(response, start)

    def _answer(self, response: Trigger.Response, start: str | None) -> Trigger.Response:
        """Say what the tracker will start from."""
        response.success = bool(start)
        if start is None:
            response.message = _NOT_CONFIGURED
        elif start:
            response.message = f'tracking restarts from {start} with the next image'
        else:
            response.message = NO_INITIAL_POSE
        self._node.get_logger().info(response.message)
        return response


def _heights(pipeline: Pipeline, map_T_frame: Array | None) -> tuple[float, float]:
    """Return the lowest and highest z of the mesh in a frame, by default the map, metres."""
    mesh = pipeline.scene.mesh
    frame_T_map = np.eye(4) if map_T_frame is None else np.linalg.inv(map_T_frame)
    z = mesh.vertices @ frame_T_map[2, :3]
    zero = frame_T_map[2, :3] @ mesh.origin + frame_T_map[2, 3]
    return float(zero + z.min()), float(zero + z.max())
