"""The launch files under the real launch system, where one is installed, with stand-in programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch is not on PyPI; it comes with a ROS installation')

ROOT = Path(__file__).parents[2]

# Writes down how it was called, with the contents of its parameter files. The node says that it
# is ready and stays until the player has been there.
PROGRAM = """#!{python}
import sys, time
from pathlib import Path

name = Path(sys.argv[0]).name
calls = Path({folder!r}) / 'calls'
files = [Path(word).read_text() for word in sys.argv if word.startswith('/tmp/launch_params')]
(calls / name).write_text(' '.join(sys.argv[1:]) + ''.join(files))
if name == 'mesh_reloc_node':
    print('[INFO] [1.0] [mesh_reloc]: ready: /image_rect', file=sys.stderr, flush=True)
    deadline = time.monotonic() + {patience}
    while not (calls / 'ros2').exists() and time.monotonic() < deadline:
        time.sleep(0.1)
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


class Installed:
    """The package as if installed in a folder, with stand-ins for the node and for `ros2`."""

    def __init__(self, folder: Path, patience: float) -> None:
        self.folder = folder
        share = folder / 'share'
        (share / 'ament_index/resource_index/packages').mkdir(parents=True)
        (share / 'ament_index/resource_index/packages/mesh_reloc_ros').touch()
        (share / 'mesh_reloc_ros').symlink_to(ROOT)
        (folder / 'calls').mkdir()
        program = PROGRAM.format(python=sys.executable, folder=str(folder), patience=patience)
        for path in (folder / 'lib/mesh_reloc_ros/mesh_reloc_node', folder / 'bin/ros2'):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(program)
            path.chmod(0o755)

    def launch(self, name: str, *arguments: str) -> str:
        """Run a launch file until its programs have ended; return what it prints."""
        environment = os.environ | {
            'AMENT_PREFIX_PATH': str(self.folder),
            'PATH': f'{self.folder}/bin:{os.environ["PATH"]}',
            'ROS_LOG_DIR': str(self.folder / 'log'),
        }
        return subprocess.run(
            [sys.executable, '-c', LAUNCH, str(ROOT / 'launch' / name), *arguments],
            env=environment, check=True, capture_output=True, text=True, timeout=120,
        ).stdout  # fmt: skip

    def call(self, name: str) -> str:
        return (self.folder / 'calls' / name).read_text()


def test_arguments_become_parameters_remappings_and_a_namespace(tmp_path):
    installed = Installed(tmp_path, patience=0.0)
    printed = installed.launch(
        'mesh_reloc.launch.py',
        'mesh:=/x.obj', 'initial_pose:=1, 2 3 0 0 0 1', 'image_topic:=/cam/image_rect',
        'image_transport:=compressed', 'use_sim_time:=true', 'namespace:=robot',
    )  # fmt: skip
    call = installed.call('mesh_reloc_node')
    for part in (
        'image_rect:=/cam/image_rect', '__ns:=/robot', 'config/mesh_reloc.yaml', 'mesh: /x.obj',
        'image_transport: compressed', 'use_sim_time: true',
    ):  # fmt: skip
        assert part in call
    assert call.replace(' ', '').count('-1.0\n') == 2
    arguments = [line for line in printed.splitlines() if line.startswith('ARGUMENT')]
    assert len(arguments) == 9
    assert all(len(argument.split('|')[1]) > 10 for argument in arguments)


def test_a_bag_is_played_once_the_node_is_ready(tmp_path):
    installed = Installed(tmp_path, patience=60.0)
    installed.launch('replay.launch.py', 'bag:=/some/bag', 'rate:=0.5', 'loop:=true')
    assert installed.call('ros2').startswith('bag play /some/bag --clock --rate 0.5')
    assert installed.call('ros2').endswith('--loop')
    assert 'use_sim_time: true' in installed.call('mesh_reloc_node')
