"""The executable `mesh_reloc_node`. It imports ROS and torch only when the node starts."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import NoReturn

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.installation import missing, version
from mesh_reloc_ros.process import share_heaps
from mesh_reloc_ros.ros._ending import Ending, end_process

_HELP = """\
usage: mesh_reloc_node [--help] [--version] [--ros-args ...]

Localize a camera in a textured mesh: a managed ROS 2 node.

  mesh_reloc_node --ros-args -p mesh:=/maps/room.obj -p rectify:=true \\
      -r image_rect:=/camera/image_raw -r camera_info:=/camera/camera_info

after --ros-args:
  -p NAME:=VALUE      set a parameter; `mesh_reloc params` lists them all
  --params-file FILE  set parameters from a file
  -r FROM:=TO         remap a topic or service, or the node: -r __ns:=/robot

With ros2 launch: ros2 launch mesh_reloc_ros mesh_reloc.launch.py --show-args
"""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the node until Ctrl-C or SIGTERM, and end the process.

    Its status is 0: ended as asked; 2: unusable arguments, parameters or mesh, or a missing
    package, with one line that says why; 1: an exception that is a bug.
    """
    ending = Ending()
    share_heaps()
    try:
        status = _main(ending, args)
    except InputError as error:
        print(f'mesh_reloc_node: {error}', file=sys.stderr)
        status = 2
    except Exception:
        traceback.print_exc()
        status = 1
    end_process(status)


def _main(ending: Ending, args: list[str] | None) -> int:
    """Return the exit status.

    :raises InputError: an unusable argument or a missing package.
    """
    own = list(_own(sys.argv[1:] if args is None else args))
    if {'-h', '--help'}.intersection(own):
        print(_HELP, end='')
        return 0
    if '--version' in own:
        print(f'mesh_reloc_ros {version()}')
        return 0
    if own:
        raise InputError(
            f'unknown argument {own[0]}: parameters come after --ros-args -p, as in --ros-args -p'
            ' mesh:=/maps/room.obj; see --help'
        )
    # Importing makes objects by the million, none of them garbage. `run` switches it on again.
    gc.disable()
    try:
        from mesh_reloc_ros.ros._run import run

        return run(ending, args)
    except ModuleNotFoundError as error:
        raise missing(error) from error


def _own(args: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that are not for ROS, which are between --ros-args and --."""
    is_for_ros = False
    for word in args:
        if word == '--ros-args':
            is_for_ros = True
        elif is_for_ros:
            is_for_ros = word != '--'
        else:
            yield word


if __name__ == '__main__':
    main()
