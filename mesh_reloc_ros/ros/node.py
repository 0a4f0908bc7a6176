"""The managed node: what its transitions, services and messages do."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from typing import Any

import torch
from geometry_msgs.msg import PoseWithCovarianceStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameters import initial_pose
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.initialization import Initialization
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.ros.diagnostics import Diagnostics
from mesh_reloc_ros.ros.image_tracking import NO_START_POSE, ImageTracking
from mesh_reloc_ros.ros.initial_pose_message import start_from_message
from mesh_reloc_ros.ros.loading import facts_of, heights_of, load
from mesh_reloc_ros.ros.outputs import Outputs
from mesh_reloc_ros.ros.parameters import NodeParameters, mesh_path, mesh_url
from mesh_reloc_ros.ros.saved_pose import SavedPose, saved_pose_file
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import pose_to_numbers

_WATCH_PERIOD_S = 0.25
_STOP_TIMEOUT_S = 60.0
"""An image may take half a minute with the slow reference solver."""


class MeshRelocNode(LifecycleNode):
    """Configure loads the mesh, activate tracks images. The executor's thread only receives."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        """Declare the parameters; all else is for the transitions.

        :param is_ending: whether the process was asked to end, so that it is of no use to go on.
        :raises InputError: a parameter cannot be used.
        """
        super().__init__('mesh_reloc')
        self._is_ending = is_ending
        self.failure: Exception | None = None
        """What ended a thread of the node, where something did."""
        self._pipeline: Pipeline | None = None
        self._outputs: Outputs | None = None
        self._tracking: ImageTracking | None = None
        self._settings = NodeParameters(self, all_may_change=lambda: self._pipeline is None)
        self._settings.on_change = self._on_change
        self._diagnostics = Diagnostics(self)
        self._warn_of_unknown(of_qos=False)
        self.create_subscription(PoseWithCovarianceStamped, 'initialpose', self._on_initial_pose, 1)
        self.create_service(Trigger, '~/relocalize', self._on_relocalize)
        self.create_service(Trigger, '~/reset', self._on_reset)
        # Wall time: with simulated time these must run while the clock stands still.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_WATCH_PERIOD_S, self._watch, clock=clock)
        self._diagnostics_timer = self.create_timer(
            self._settings.node.diagnostics_period, self._diagnostics.publish, clock=clock
        )

    def set_parameters_atomically(
        self, parameter_list: list[Parameter[Any]]
    ) -> SetParametersResult:
        """Set parameters; deprecated names are accepted, too."""
        current = self._settings.with_current_names(parameter_list)
        return super().set_parameters_atomically(current)

    @property
    def starts_itself(self) -> bool:
        """Whether no lifecycle manager is to bring it up."""
        return self._settings.node.autostart

    def bring_up(self) -> bool:
        """Configure and activate; return False if that failed."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def stop(self, timeout_s: float) -> bool:
        """End the node's threads; return False if a piece of work takes longer than allowed."""
        return self._stop_tracking(timeout_s) and self._unload(timeout_s)

    # Transitions.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the mesh, warm up, and take what there is of a start pose."""
        return self._attempt(state, 'inactive', self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to track images."""
        return self._attempt(state, 'active', self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop tracking; the mesh stays, and where the camera was last."""
        return self._attempt(state, 'inactive', self._deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the mesh; all parameters can be changed now."""
        return self._attempt(state, 'unconfigured', self._clean_up)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop all."""
        return self._attempt(state, 'finalized', self._shut_down)

    def _attempt(
        self, before: LifecycleState, after: str, transition: Callable[[], None]
    ) -> TransitionCallbackReturn:
        """Go over to a state; what goes wrong is told in the log and in the diagnostics."""
        try:
            transition()
        except InputError as error:
            self._diagnostics.state(before.label, str(error))
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self.failure = error
            # rclpy says nothing of what it catches.
            self.get_logger().fatal(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        self._diagnostics.state(after)
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        settings = self._settings.node
        mesh = mesh_path(settings.mesh)
        file = saved_pose_file(settings.saved_pose_file, self.get_fully_qualified_name())
        saved = SavedPose(file, mesh, settings.map_frame)
        pipeline = load(
            settings, self._settings.pipeline, self.get_logger().info, self._check_ending
        )
        url = mesh_url(settings.mesh, mesh)
        self._outputs = Outputs(self, url, pipeline.scene, settings.map_frame, saved, self._fail)
        pipeline.initialization.change(self._given_start(saved))
        pipeline.initialization.begin_again()
        self._diagnostics.facts = facts_of(pipeline, mesh)
        self._pipeline = pipeline

    def _check_ending(self) -> None:
        """See that it is worth going on with a transition that takes time.

        :raises KeyboardInterrupt: the process was asked to end.
        """
        if self._is_ending():
            raise KeyboardInterrupt

    def _activate(self) -> None:
        assert self._pipeline is not None
        assert self._outputs is not None
        self._pipeline.resume()
        self._tracking = ImageTracking(
            self,
            self._settings,
            self._pipeline,
            self._outputs,
            self._diagnostics,
            self._fail,
        )
        self._warn_of_unknown(of_qos=True)
        self.get_logger().info(f'ready: {self._tracking.topics}, on {self._pipeline.scene.device}')

    def _deactivate(self) -> None:
        if not self._stop_tracking(_STOP_TIMEOUT_S):
            raise TimeoutError('the image in work takes too long')

    def _clean_up(self) -> None:
        if not self._unload(_STOP_TIMEOUT_S):
            raise TimeoutError('the search or overlay in work takes too long')

    def _shut_down(self) -> None:
        self._deactivate()
        self._clean_up()

    def _stop_tracking(self, timeout_s: float) -> bool:
        tracking, self._tracking = self._tracking, None
        if tracking is None:
            return True
        ended = tracking.stop(timeout_s)
        self._save(0.0)
        return ended

    def _unload(self, timeout_s: float) -> bool:
        pipeline, outputs = self._pipeline, self._outputs
        self._pipeline = self._outputs = None
        ended = outputs is None or outputs.close(timeout_s)
        if pipeline is not None:
            ended &= pipeline.close(timeout_s)
        self._diagnostics.facts = {}
        del pipeline, outputs
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        return ended

    def _warn_of_unknown(self, *, of_qos: bool) -> None:
        for name in self._settings.unknown(of_qos=of_qos):
            self.get_logger().warning(
                f'unknown parameter {name}: ignored; `mesh_reloc params` lists them all'
            )

    # On the executor's thread.

    def _given_start(self, saved: SavedPose) -> Initialization | None:
        """Return what the parameters say of where to start; None: nothing."""
        settings = self._settings.node
        if settings.initialization == 'global':
            return None
        if settings.initialization == 'saved':
            try:
                pose = saved.read()
            except InputError as error:
                self.get_logger().warning(str(error))
                pose = None
            if pose is not None:
                self.get_logger().info(f'starting from the pose saved in {saved.file}')
                return Initialization(InitialPose(pose), 'the saved pose')
        pose = initial_pose(settings)
        return None if pose is None else Initialization(InitialPose(pose))

    def _on_change(self, before: NodeSettings) -> None:
        """Act on changed parameters, where what uses them does not read them itself."""
        settings = self._settings.node
        period_ns = round(1e9 * settings.diagnostics_period)
        if period_ns != self._diagnostics_timer.timer_period_ns:
            self._diagnostics_timer.timer_period_ns = period_ns
            # Else it waits for the end of the period before.
            self._diagnostics_timer.reset()
        if self._pipeline is None or self._outputs is None:
            return
        starts = self._pipeline.initialization
        moved = settings.initial_pose != before.initial_pose
        if moved or settings.initialization != before.initialization:
            starts.change(self._given_start(self._outputs.saved))
        pose = initial_pose(settings)
        if moved and pose is not None:
            starts.give(Initialization(InitialPose(pose)))

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        if self._pipeline is None:
            self.get_logger().error('initialpose: left out, as the node is not configured')
            return
        starts = self._pipeline.initialization
        try:
            start, added = start_from_message(
                message,
                self._settings.node.map_frame,
                starts.latest,
                heights_of(self._pipeline),
                self._settings.pipeline.relocalization.up_axis,
            )
        except InputError as error:
            self._diagnostics.error(str(error), always_log=True)
            return
        starts.give(Initialization(start, 'the pose from initialpose'))
        numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(start.map_T_camera))
        remark = f' ({added})' if added else ''
        self.get_logger().info(f'start pose from initialpose: {numbers}{remark}')

    def _on_relocalize(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        pipeline = self._pipeline
        start = None if pipeline is None else pipeline.initialization.relocalize()
        return self._answer(response, start)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        pipeline = self._pipeline
        start = None if pipeline is None else pipeline.initialization.reset()
        return self._answer(response, start)

    def _answer(self, response: Trigger.Response, start: str | None) -> Trigger.Response:
        """Say what the tracker will begin with."""
        response.success = bool(start)
        response.message = (
            f'tracking starts anew from {start}, with the next image' if start else NO_START_POSE
        )
        if start is None:
            response.message = 'the node is not configured'
        self.get_logger().info(response.message)
        return response

    def _watch(self) -> None:
        if self._tracking is not None:
            self._tracking.watch()
            self._save(self._settings.node.save_pose_period)

    def _save(self, period_s: float) -> None:
        """Save the last trusted pose, if the last saving is so long ago."""
        if self._outputs is None:
            return
        try:
            if not self._settings.node.save_pose_period or self._outputs.saved.write(period_s):
                self._diagnostics.problem('saved pose', '')
        except InputError as error:
            self._diagnostics.problem('saved pose', str(error))

    def _fail(self, error: Exception) -> None:
        """Have the process end, as what failed is no fault of the input. Called on any thread."""
        self.failure = error
