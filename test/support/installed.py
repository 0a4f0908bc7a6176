"""The package as colcon installs it, with stand-ins for programs, to run launch files in."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from support.patience import LONG_S

ROOT = Path(__file__).parents[2]

# Writes down how it was called, with the contents of its parameter files. The node says that it
# is ready and stays until the programs that it waits for have been there, or a signal.
PROGRAM = """#!{python}
import json, signal, sys, time
from pathlib import Path

arguments = sys.argv[1:]
namespace = ''.join(word[6:] for word in arguments if word.startswith('__ns:='))
name = Path(sys.argv[0]).name + namespace.rstrip('/').replace('/', '.')
calls = Path({folder!r}) / 'calls'
files = [Path(word).read_text() for word in arguments if word.startswith('/tmp/launch_params')]
(calls / name).write_text(json.dumps([arguments, *files]))
if name.startswith('mesh_reloc_node'):
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    print('[INFO] [1.0] [mesh_reloc]: ready: /image_rect', file=sys.stderr, flush=True)
    deadline = time.monotonic() + {patience}
    while not all((calls / each).exists() for each in {until}) and time.monotonic() < deadline:
        time.sleep(0.1)
    sys.exit({status})
if {others_stay}:
    time.sleep({patience})
"""

LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

file, *arguments = sys.argv[1:]
service = LaunchService()
pairs = [argument.split(':=', 1) for argument in arguments]
source = PythonLaunchDescriptionSource(file)
include = IncludeLaunchDescription(source, launch_arguments=pairs)
service.include_launch_description(LaunchDescription([include]))
status = service.run()
for argument in source.get_launch_description(service.context).get_launch_arguments():
    print('ARGUMENT', argument.name, '|', argument.description)
sys.exit(status)
"""


class Call:
    """How a program was called: its arguments, and its parameters as ROS reads them."""

    def __init__(self, arguments: list[str], *parameter_files: str) -> None:
        self.arguments = arguments
        self.parameters = {}
        for text in parameter_files:
            # Launch writes lists as Python's tuples.
            for node in yaml.full_load(text).values():
                self.parameters |= node['ros__parameters']


class Installed:
    """The package as if installed in a folder, with stand-ins for the programs."""

    def __init__(
        self,
        folder: Path,
        *until: str,
        status: int = 0,
        has_rviz: bool = True,
        others_stay: bool = False,
    ) -> None:
        """Install.

        :param until: programs that the nodes wait for. :param status: of the node at its end.
        :param others_stay: whether other programs than the node run until a signal.
        """
        self.folder = folder
        index = folder / 'share/ament_index/resource_index/packages'
        index.mkdir(parents=True)
        programs = ['lib/mesh_reloc_ros/mesh_reloc_node', 'bin/ros2']
        if has_rviz:
            programs.append('lib/rviz2/rviz2')
            (index / 'rviz2').touch()
        (index / 'mesh_reloc_ros').touch()
        (folder / 'share/mesh_reloc_ros').symlink_to(ROOT)
        (folder / 'calls').mkdir()
        program = PROGRAM.format(
            python=sys.executable,
            folder=str(folder),
            patience=LONG_S,
            until=list(until),
            status=status,
            others_stay=others_stay,
        )
        for name in programs:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(program)
            path.chmod(0o755)

    def launch(self, name: str, *arguments: str, status: int = 0) -> list[str]:
        """Run a launch file until its programs have ended; return the lines it prints."""
        environment = os.environ | {
            'AMENT_PREFIX_PATH': str(self.folder),
            'PATH': f'{self.folder}/bin:{os.environ["PATH"]}',
            'ROS_LOG_DIR': str(self.folder / 'log'),
        }
        ended = subprocess.run(
            [sys.executable, '-c', LAUNCH, str(ROOT / 'launch' / name), *arguments],
            env=environment, capture_output=True, text=True, timeout=LONG_S,
        )  # fmt: skip
        assert ended.returncode == status, ended.stdout + ended.stderr
        return (ended.stdout + ended.stderr).splitlines()

    def refusal(self, name: str, *arguments: str) -> str:
        """Return the one line in which a launch file says what is wrong."""
        lines = self.launch(name, *arguments, status=1)
        said = [line for line in lines if line and not line.startswith(('[INFO]', 'ARGUMENT'))]
        # Launch says once more what it says of an argument that is not among the choices.
        assert len({line.rpartition('Argument ')[2] for line in said}) == 1, said
        return said[0]

    def calls(self) -> dict[str, Call]:
        """Return how programs were called, by name and namespace."""
        calls = sorted((self.folder / 'calls').iterdir())
        return {path.name: Call(*yaml.safe_load(path.read_text())) for path in calls}
