"""The node's life in its process."""

from __future__ import annotations

import gc
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.ros._ending import Ending
from mesh_reloc_ros.ros.node import MeshRelocNode

# Longest time until a signal or a failure is noticed.
_PERIOD_S = 0.05
# For each of the node's threads.
_STOP_TIMEOUT_S = 0.1


def run(ending: Ending, args: list[str] | None) -> int:
    """Run the node until it is to end; return the exit status of the process."""
    ending.imports = False
    # Collections of garbage need not look at the libraries.
    gc.freeze()
    gc.enable()
    use_one_core_per_operation()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        return _refuse(error)
    try:
        return _run(ending)
    except (InputError, ParameterException) as error:
        return _refuse(error)
    finally:
        ending.last = None
        rclpy.try_shutdown()


def _run(ending: Ending) -> int:
    node = MeshRelocNode(ending.requested)
    ending.last = node.save
    failure: Exception | None = None
    if not node.starts_itself:
        name = node.get_fully_qualified_name()
        node.get_logger().info(
            'autostart is false: waiting to be configured and activated by a lifecycle manager, or'
            f' by ros2 lifecycle set {name} configure, then ros2 lifecycle set {name} activate'
        )
    try:
        status = _spin(node, ending.requested)
    except Exception as error:
        failure, status = error, 1
    node.stop(_STOP_TIMEOUT_S)
    # Others learn at once that it is gone; threads that still work end with the process.
    node.destroy_node()
    if failure is not None:
        traceback.print_exception(failure)
    return status


def _spin(node: MeshRelocNode, ending: threading.Event) -> int:
    """Run the node until it is to end; return the exit status."""
    executor = _executor()
    executor.add_node(node)
    bring_up = _bring_up(node) if node.starts_itself else None
    while not ending.is_set():
        executor.spin_once(timeout_sec=_PERIOD_S)
        node.check()
        if bring_up is not None and bring_up.done() and not bring_up.result():
            node.check()
            # The node has logged the reason.
            return 0 if ending.is_set() else 2
    return 0


def _bring_up(node: MeshRelocNode) -> Future[bool]:
    """Bring the node up on a thread: it answers services while it loads."""
    return ThreadPoolExecutor(1, 'bring-up').submit(node.bring_up)


def _refuse(error: Exception) -> int:
    rclpy.logging.get_logger('mesh_reloc').fatal(' '.join(str(error).split()))
    return 2


def _executor() -> Executor:
    """Return the lightest executor of this rclpy. The work is done by the node's own threads.

    The SingleThreadedExecutor, written in Python, takes 2 ms for an image.
    """
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()
