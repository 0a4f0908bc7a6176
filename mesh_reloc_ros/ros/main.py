"""The executable `mesh_reloc_node`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import share_heaps

_STOP_TIMEOUT_S = 3.0
_HARD_STOP_S = 6.0
# How long a signal may go unnoticed.
_PERIOD_S = 0.1


class Ending:
    """Ctrl-C or SIGTERM, at any time and any number of times.

    rclpy's own handlers would shut the context down under whatever is at work.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self.imports = True
        """Whether libraries are being imported, some of which abort where that is interrupted."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def __call__(self) -> bool:
        """Whether the node is to end."""
        return self.is_wanted

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.imports:
            os._exit(0)
        if not self.is_wanted:
            self.is_wanted = True
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
    node = MeshRelocNode(ending)
    try:
        if node.starts_itself and not node.bring_up():
            # The node has said why.
            return 2
        # A MultiThreadedExecutor would spin busily; the work is on threads of the node's own.
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not ending() and node.failure is None:
            executor.spin_once(timeout_sec=_PERIOD_S)
    finally:
        if not node.stop(_STOP_TIMEOUT_S):
            # Tearing down the interpreter under a solver that is still at work would crash.
            os._exit(1 if node.failure else 0)
        if node.failure is not None:
            raise node.failure
    return 0


def _refuse(reason: str) -> int:
    rclpy.logging.get_logger('mesh_reloc').fatal(reason)
    return 2


if __name__ == '__main__':
    sys.exit(main())
