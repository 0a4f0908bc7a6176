"""The executable `mesh_reloc_node`."""

from __future__ import annotations

import os
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from mesh_reloc_ros.errors import InputError

_STOP_TIMEOUT_S = 3.0


def main(args: list[str] | None = None) -> int:
    """Run the node until Ctrl-C or SIGTERM.

    :returns: 0: ended as asked; 2: unusable parameters or mesh, with one line that says why.
    """
    try:
        rclpy.init(args=args)
    except RuntimeError as error:
        return _refuse(' '.join(str(error).split()))
    try:
        return _run()
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except InputError as error:
        return _refuse(str(error))
    finally:
        rclpy.try_shutdown()


def _run() -> int:
    # Imported here, as loading torch takes seconds in which Ctrl-C must end it cleanly, too.
    from mesh_reloc_ros.ros.node import MeshRelocNode
    from mesh_reloc_ros.threads import use_one_core_per_operation

    use_one_core_per_operation()
    node = MeshRelocNode()
    try:
        if node.starts_itself and not node.bring_up():
            # The node has said why; after SIGTERM there is nothing to say.
            return 2 if rclpy.ok() else 0
        # A MultiThreadedExecutor would spin busily; the work is on threads of the node's own.
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
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
