"""The managed node: its transitions, timers and parameters."""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event
from typing import Any

import torch
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.ros._bond import ManagerBond
from mesh_reloc_ros.ros._diagnostics import Diagnostics
from mesh_reloc_ros.ros._image_tracking import ImageTracking
from mesh_reloc_ros.ros._initial_pose_input import InitialPoseInput
from mesh_reloc_ros.ros._loading import describe, load
from mesh_reloc_ros.ros._mount import CameraMount
from mesh_reloc_ros.ros._parameters import NodeParameters, mesh_path, mesh_url
from mesh_reloc_ros.ros._pose_sink import PoseSink
from mesh_reloc_ros.ros._saved_pose import SavedPose, saved_pose_file
from mesh_reloc_ros.ros._transitions import refuse_impossible_transitions

_WATCH_PERIOD_S = 0.25
# An image may take half a minute with the slow reference solver.
_STOP_TIMEOUT_S = 60.0


class MeshRelocNode(LifecycleNode):
    """Configure loads the mesh, activate tracks images. The executor's thread only receives."""

    def __init__(self, cancel: Event) -> None:
        """Declare the parameters; transitions do the rest.

        :param cancel: ends a transition that takes long when it is set.
        :raises InputError: a parameter cannot be used.
        """
        super().__init__('mesh_reloc')
        refuse_impossible_transitions(self)
        self._cancel = cancel
        self._failure: Exception | None = None
        self._facts: dict[str, str] = {}
        # When the progress of loading was last shown.
        self._shown = 0.0
        self._pipeline: Pipeline | None = None
        self._sink: PoseSink | None = None
        self._tracking: ImageTracking | None = None
        self._settings = NodeParameters(self)
        self._diagnostics = Diagnostics(self)
        self._mount = CameraMount(self, self._settings)
        self._initial_pose = InitialPoseInput(self, self._settings, self._diagnostics, self._mount)
        self._bond = None if self._settings.node.autostart else ManagerBond(self)
        self._warn_of_unknown(of_qos=False)
        # Wall time: with simulated time these must run while the clock stands still.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_WATCH_PERIOD_S, self._watch, clock=clock)
        self._diagnostics_timer = self.create_timer(
            self._settings.node.diagnostics_period, self._publish_diagnostics, clock=clock
        )

    def set_parameters_atomically(
        self, parameter_list: list[Parameter[Any]]
    ) -> SetParametersResult:
        """Set parameters, also by deprecated names, and act on the change."""
        before = self._settings.node
        current = self._settings.with_current_names(parameter_list)
        result = super().set_parameters_atomically(current)
        if result.successful and self._settings.node != before:
            self._initial_pose.parameters_changed(before)
            self._set_diagnostics_period()
        return result

    @property
    def starts_itself(self) -> bool:
        """Whether the node configures and activates itself, without a lifecycle manager."""
        return self._settings.node.autostart

    def bring_up(self) -> bool:
        """Configure and activate; return False if that failed. It may run beside the executor."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def check(self) -> None:
        """Raise what ended a thread of the node, or a transition, other than bad input."""
        if self._failure is not None:
            raise self._failure
        for part in (self._tracking, self._sink):
            for result in part.results if part is not None else ():
                if result.done():
                    result.result()

    def save(self) -> None:
        """Save the last trusted pose. Safe to call from any thread."""
        sink = self._sink
        if sink is not None:
            sink.save(0.0)

    def stop(self, timeout_s: float) -> bool:
        """End the node's threads; return False if one exceeds the timeout."""
        return self._stop_tracking(timeout_s) and self._unload(timeout_s)

    def destroy_node(self) -> None:
        """Destroy the node, so that it is gone for others, too."""
        super().destroy_node()
        # It holds the node, and rclpy leaves it to the garbage collector.
        self._state_machine.destroy_when_not_in_use()

    # Transitions.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the mesh, warm up, and read the initial pose."""
        # From now on parameters are read.
        self._settings.is_configured = True
        result = self._attempt(state, 'inactive', self._configure)
        self._settings.is_configured = result == TransitionCallbackReturn.SUCCESS
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start tracking images."""
        return self._attempt(state, 'active', self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop tracking; the mesh and the last pose stay in memory."""
        return self._attempt(state, 'inactive', self._deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the mesh; all parameters can change afterwards."""
        return self._attempt(state, 'unconfigured', self._clean_up)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop tracking and release the mesh."""
        return self._attempt(state, 'finalized', self._shut_down)

    def _attempt(
        self, before: LifecycleState, after: str, transition: Callable[[], None]
    ) -> TransitionCallbackReturn:
        """Run a transition; errors go to the log and to the diagnostics."""
        try:
            transition()
        except CancelledError:
            return TransitionCallbackReturn.FAILURE
        except InputError as error:
            self._diagnostics.state(before.label, str(error))
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            if self._cancel.is_set():
                # The node is being destroyed beside it.
                return TransitionCallbackReturn.FAILURE
            self._failure = error
            # rclpy does not log what it catches.
            self.get_logger().fatal(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        self._diagnostics.state(after)
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        parameters, settings = self._settings, self._settings.node
        mesh = mesh_path(settings.mesh)
        file = saved_pose_file(settings.saved_pose_file, self.get_fully_qualified_name())
        saved = SavedPose(file, mesh, settings.map_frame)
        pipeline = load(
            settings, parameters.pipeline, self.get_logger().info, self._show_step, self._cancel
        )
        url = mesh_url(settings.mesh, mesh)
        self._mount.camera_frame = settings.camera_frame
        self._sink = PoseSink(
            self, parameters, self._diagnostics, pipeline.scene, url, saved, self._mount
        )
        self._initial_pose.connect(pipeline, saved)
        self._facts = describe(pipeline, mesh)
        self._pipeline = pipeline

    def _show_step(self, step: str, done: float) -> None:
        """Show the progress of loading: asked for by a manager, it keeps the timers waiting."""
        self._diagnostics.loading(f'{step}, {done:.0%}' if done else step)
        now = time.monotonic()
        if not done or now - self._shown >= self._settings.node.diagnostics_period:
            self._shown = now
            self._publish_diagnostics()

    def _activate(self) -> None:
        assert self._pipeline is not None
        assert self._sink is not None
        self._tracking = ImageTracking(
            self, self._settings, self._pipeline, self._sink, self._diagnostics
        )
        self._warn_of_unknown(of_qos=True)
        if self._bond is not None:
            self._bond.begin()
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
        if self._bond is not None:
            self._bond.end()
        tracking, self._tracking = self._tracking, None
        if tracking is None or self._sink is None:
            return True
        ended = tracking.stop(timeout_s)
        self._sink.save(0.0)
        return ended

    def _unload(self, timeout_s: float) -> bool:
        pipeline, sink = self._pipeline, self._sink
        self._pipeline = self._sink = None
        self._facts = {}
        self._initial_pose.disconnect()
        self._settings.is_configured = False
        ended = sink is None or sink.close(timeout_s)
        if pipeline is not None:
            ended &= pipeline.close(timeout_s)
        del pipeline, sink
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        return ended

    def _warn_of_unknown(self, *, of_qos: bool) -> None:
        for name in self._settings.unknown(of_qos=of_qos):
            self.get_logger().warning(
                f'unknown parameter {name}: ignored; `mesh_reloc params` lists them all'
            )

    # Timers.

    def _watch(self) -> None:
        if self._sink is not None:
            self._sink.show_mesh()
        if self._tracking is not None and self._sink is not None:
            self._tracking.watch()
            self._sink.save(self._settings.node.save_pose_period)

    def _publish_diagnostics(self) -> None:
        tracking, sink = self._tracking, self._sink
        counts = {} if tracking is None or sink is None else {**tracking.counts, **sink.counts}
        self._diagnostics.publish(counts, self._facts)

    def _set_diagnostics_period(self) -> None:
        period_ns = round(1e9 * self._settings.node.diagnostics_period)
        if period_ns != self._diagnostics_timer.timer_period_ns:
            self._diagnostics_timer.timer_period_ns = period_ns
            # Otherwise the timer waits for the end of the old period.
            self._diagnostics_timer.reset()
