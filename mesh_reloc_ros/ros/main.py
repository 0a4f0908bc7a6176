"""The executable `mesh_reloc_node`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import TYPE_CHECKING

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import share_heaps

if TYPE_CHECKING:
    from mesh_reloc_ros.ros.node import MeshRelocNode

_STOP_TIMEOUT_S = 3.0
_HARD_STOP_S = 6.0
# Longest time until a signal or a failure is noticed.
_PERIOD_S = 0.1


class Ending:
    """Ctrl-C or SIGTERM, at any time and any number of times.

    rclpy's own handlers would shut the context down while other threads use it.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        """Set when the node is to end."""
        self.imports = True
        """Whether libraries are being imported, some of which abort if that is interrupted."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.imports:
            os._exit(0)
        if not self.requested.is_set():
            self.requested.set()
            # Compiling takes longer than anyone waits, and cannot be interrupted.
            hard_stop = threading.Timer(_HARD_STOP_S, os._exit, [0])
            hard_stop.daemon = True
            hard_stop.start()


def main(args: list[str] | None = None) -> int:
    """Run the node until Ctrl-C or SIGTERM.

    :returns: 0: ended as asked; 2: unusable parameters or mesh, with one line that says why.
    """
    ending = Ending()
    share_heaps()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        return _refuse(' '.join(str(error).split()))
    try:
        return _run(ending)
    except KeyboardInterrupt:
        return 0
    except (InputError, ParameterException) as error:
        return _refuse(' '.join(str(error).split()))
    finally:
        rclpy.try_shutdown()
        # Until the interpreter is gone: before it is, it gives other handlers back.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _run(ending: Ending) -> int:
    # Imported here, as loading torch takes seconds in which Ctrl-C must end it cleanly, too.
    from mesh_reloc_ros.process import use_one_core_per_operation
    from mesh_reloc_ros.ros.node import MeshRelocNode

    ending.imports = False
    use_one_core_per_operation()
    node = MeshRelocNode(ending.requested)
    failure: Exception | None = None
    try:
        status = _spin(node, ending.requested)
    except Exception as error:
        failure, status = error, 1
    if not node.stop(_STOP_TIMEOUT_S):
        if failure is not None:
            traceback.print_exception(failure)
        # Tearing down the interpreter under a solver that still runs would crash.
        os._exit(status)
    if failure is not None:
        raise failure
    return status


def _spin(node: MeshRelocNode, ending: threading.Event) -> int:
    """Run the node until it is to end; return the exit status."""
    if node.starts_itself and not node.bring_up():
        node.check()
        # The node has logged the reason.
        return 0 if ending.is_set() else 2
    # A MultiThreadedExecutor would busy-wait, and the work is done by the node's own threads.
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not ending.is_set():
        executor.spin_once(timeout_sec=_PERIOD_S)
        node.check()
    return 0


def _refuse(reason: str) -> int:
    rclpy.logging.get_logger('mesh_reloc').fatal(reason)
    return 2


if __name__ == '__main__':
    sys.exit(main())
