"""The launch files under the real launch system, where one is installed, with stand-in programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.patience import LONG_S

pytest.importorskip('launch_ros', reason='launch is not on PyPI; it comes with a ROS installation')

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


@pytest.fixture
def installed(tmp_path) -> Installed:
    return Installed(tmp_path)


def descriptions(lines: list[str]) -> dict[str, str]:
    """Return the arguments that a launch file has, with their descriptions."""
    words = [line.removeprefix('ARGUMENT ').split(' | ') for line in lines if 'ARGUMENT' in line]
    return dict(words)


def test_arguments_become_parameters_remappings_and_a_namespace(installed):
    printed = installed.launch(
        'mesh_reloc.launch.py',
        'mesh:=/x.obj', 'initial_pose:=1, 2 3 0 0 0 1', 'image_topic:=/cam/image_raw',
        'image_transport:=compressed', 'use_sim_time:=true', 'namespace:=robot',
        'initialization:=saved', 'publish_tf:=map_odom', 'rectify:=true', 'autostart:=false',
        'camera_frame:=7',
    )  # fmt: skip
    call = installed.calls()['mesh_reloc_node.robot']
    assert call.parameters == {
        'mesh': '/x.obj',
        'initial_pose': (1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0),
        'image_transport': 'compressed',
        'use_sim_time': True,
        'initialization': 'saved',
        'publish_tf': 'map_odom',
        'rectify': True,
        'autostart': False,
        'camera_frame': '7',
    }
    for part in (
        'image_rect:=/cam/image_raw', 'camera_info:=camera_info', '__ns:=/robot',
        str(installed.folder / 'share/mesh_reloc_ros/config/mesh_reloc.yaml'),
    ):  # fmt: skip
        assert part in call.arguments
    described = descriptions(printed)
    assert len(described) == 16
    assert all(len(description) > 10 for description in described.values())


def test_deprecated_arguments_are_accepted_with_a_warning(installed):
    printed = installed.launch('mesh_reloc.launch.py', 'child_frame:=eye', 'start_from:=nothing')
    call = installed.calls()['mesh_reloc_node']
    assert call.parameters == {
        'camera_frame': 'eye', 'initialization': 'global', 'use_sim_time': False
    }  # fmt: skip
    for warning in (
        'parameter child_frame is deprecated: use camera_frame',
        'parameter start_from: nothing is deprecated: use initialization: global',
    ):
        assert sum(line.endswith(warning) for line in printed) == 1


@pytest.mark.parametrize('name', ['mesh_reloc', 'replay', 'two_cameras'])
def test_an_unknown_argument_is_reported(installed, tmp_path, name):
    printed = installed.launch(
        f'{name}.launch.py', f'bag:={tmp_path}', 'initialisation:=saved', 'mehs:=/x.obj',
        'unlike:=1', 'start_from:=nothing', 'use_sim_time:=true', 'left_image_topic:=/left',
    )  # fmt: skip
    unknown = {line.partition('unknown argument ')[2] for line in printed} - {''}
    assert unknown >= {
        'initialisation: did you mean initialization?',
        'mehs: did you mean mesh?',
        'unlike: ignored; --show-args lists them all',
    }
    named = {line.partition(':')[0] for line in unknown}
    assert named <= {'initialisation', 'mehs', 'unlike', 'bag', 'left_image_topic'}
    assert ('bag' in named) == (name != 'replay')
    assert ('left_image_topic' in named) == (name != 'two_cameras')


INCLUDING = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

def generate_launch_description():
    source = PythonLaunchDescriptionSource({file!r})
    argument = DeclareLaunchArgument('mish', default_value='')
    return LaunchDescription([argument, IncludeLaunchDescription(source)])
"""


def test_arguments_of_a_file_that_includes_this_one_are_not_reported(installed, tmp_path):
    file = tmp_path / 'robot.launch.py'
    file.write_text(INCLUDING.format(file=str(ROOT / 'launch/mesh_reloc.launch.py')))
    printed = installed.launch(str(file), 'initialisation:=saved', 'robot:=rosa')
    assert sum('unknown argument' in line for line in printed) == 1
    assert any('unknown argument initialisation' in line for line in printed)


def test_what_is_not_given_stays_as_in_the_parameter_file(installed, tmp_path):
    parameters = tmp_path / 'my.yaml'
    parameters.write_text('/**:\n  ros__parameters:\n    mesh: /x.obj\n')
    installed.launch('mesh_reloc.launch.py', f'params_file:={parameters}')
    call = installed.calls()['mesh_reloc_node']
    assert call.parameters == {'use_sim_time': False}
    assert str(parameters) in call.arguments


def test_rviz_runs_in_the_namespace_of_the_node(tmp_path):
    installed = Installed(tmp_path, 'rviz2.robot')
    installed.launch('mesh_reloc.launch.py', 'rviz:=true', 'namespace:=robot')
    call = installed.calls()['rviz2.robot']
    assert call.arguments[:2] == [
        '-d',
        str(installed.folder / 'share/mesh_reloc_ros/config/mesh_reloc.rviz'),
    ]
    assert call.parameters == {'use_sim_time': False}


@pytest.mark.parametrize('has_package', [False, True])
def test_without_rviz_the_node_runs_and_a_line_says_so(tmp_path, has_package):
    installed = Installed(tmp_path, has_rviz=False)
    if has_package:
        (tmp_path / 'share/ament_index/resource_index/packages/rviz2').touch()
    printed = installed.launch('mesh_reloc.launch.py', 'rviz:=true')
    assert list(installed.calls()) == ['mesh_reloc_node']
    assert sum('the node starts without it' in line for line in printed) == 1


def test_the_launch_ends_with_the_node(tmp_path):
    installed = Installed(tmp_path, 'rviz2', others_stay=True)
    printed = installed.launch('mesh_reloc.launch.py', 'rviz:=true')
    assert any('[rviz2' in line and 'SIGINT' in line for line in printed)


@pytest.mark.parametrize('name', ['mesh_reloc', 'replay', 'two_cameras'])
def test_the_launch_of_a_node_that_fails_fails(tmp_path, name):
    until = ['ros2'] if name == 'replay' else []
    installed = Installed(tmp_path, *until, status=2, others_stay=True)
    printed = installed.launch(f'{name}.launch.py', f'bag:={tmp_path}', status=1)
    assert sum('mesh_reloc_node ended with status 2' in line for line in printed) == 1


def test_other_nodes_go_on_where_the_node_is_not_required(tmp_path):
    installed = Installed(tmp_path, 'rviz2', status=2)
    printed = installed.launch('mesh_reloc.launch.py', 'rviz:=true', 'required:=false')
    assert not any('mesh_reloc_node ended' in line for line in printed)


@pytest.mark.parametrize(
    ('argument', 'reason'),
    [
        ('initial_pose:=1 2 3', "initial_pose: '1 2 3' is not .x y z qx qy qz qw., seven numbers"),
        ('initial_pose:=1 2 3 0 0 0 w', 'seven numbers'),
        ('params_file:=/no/such.yaml', 'params_file: /no/such.yaml does not exist'),
        ('image_topic:=/cam/image_rect/compressed', 'leave /compressed out'),
        ('publish_tf:=true', 'publish_tf.*map_camera.*map_odom.*none'),
        ('rectify:=yes', 'rectify.*true.*false'),
        ('initialization:=here', 'initialization.*saved'),
        (('child_frame:=a', 'camera_frame:=b'), 'give camera_frame only'),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(installed, argument, reason):
    arguments = (argument,) if isinstance(argument, str) else argument
    assert re.search(reason, installed.refusal('mesh_reloc.launch.py', *arguments))
    assert not installed.calls()


def test_a_bag_is_played_once_the_node_is_ready(tmp_path):
    installed = Installed(tmp_path, 'ros2')
    bag = tmp_path / 'bag'
    bag.mkdir()
    installed.launch('replay.launch.py', f'bag:={bag}', 'rate:=0.5', 'loop:=true', 'rectify:=true')
    calls = installed.calls()
    expected = f'bag play {bag} --clock --rate 0.5 --delay 3 --loop'
    assert calls['ros2'].arguments == expected.split()
    assert calls['mesh_reloc_node'].parameters == {'use_sim_time': True, 'rectify': True}


def test_a_bag_can_be_played_without_delay(tmp_path):
    installed = Installed(tmp_path, 'ros2')
    installed.launch('replay.launch.py', f'bag:={tmp_path}', 'delay:=0.0')
    assert installed.calls()['ros2'].arguments == f'bag play {tmp_path} --clock --rate 1'.split()


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (('bag:=/no/such/bag',), 'bag: /no/such/bag does not exist'),
        (('bag:=/', 'rate:=0'), "rate: '0' is not a number of 0.01 or more"),
        (('bag:=/', 'delay:=soon'), "delay: 'soon' is not a number of 0 or more"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(installed, arguments, reason):
    assert reason in installed.refusal('replay.launch.py', *arguments)


CAMERAS = ['mesh_reloc_node.left', 'mesh_reloc_node.robot.right', 'rviz2.left', 'rviz2.robot.right']


def test_two_cameras_have_a_node_each_in_one_mesh(tmp_path):
    installed = Installed(tmp_path, *CAMERAS)
    printed = installed.launch(
        'two_cameras.launch.py',
        'mesh:=/x.obj', 'rectify:=true', 'left_image_topic:=/stereo/left/image_raw',
        'left_publish_tf:=map_odom', 'left_camera_frame:=left_eye',
        'left_initial_pose:=1 2 3 0 0 0 1', 'right_namespace:=robot/right',
        'right_publish_tf:=none', 'rviz:=true', 'image_topic:=/neither',
    )  # fmt: skip
    calls = installed.calls()
    assert list(calls) == CAMERAS
    common = {'mesh': '/x.obj', 'rectify': True, 'use_sim_time': False}
    left, right = calls['mesh_reloc_node.left'], calls['mesh_reloc_node.robot.right']
    assert left.parameters == common | {
        'publish_tf': 'map_odom',
        'camera_frame': 'left_eye',
        'initial_pose': (1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0),
    }
    assert right.parameters == common | {
        'publish_tf': 'none',
        'camera_frame': 'robot/right_optical_frame',
    }
    assert 'image_rect:=/stereo/left/image_raw' in left.arguments
    assert 'image_rect:=image_rect' in right.arguments
    assert sum('give left_image_topic and right_image_topic' in line for line in printed) == 1
    assert not any('unknown argument' in line for line in printed)
    described = descriptions(printed)
    assert {'mesh', 'initialization', 'left_image_topic', 'right_camera_frame'} < set(described)


def test_a_deprecated_argument_of_one_camera_is_accepted_with_a_warning(tmp_path):
    installed = Installed(tmp_path, 'mesh_reloc_node.left', 'mesh_reloc_node.right')
    printed = installed.launch('two_cameras.launch.py', 'left_child_frame:=eye')
    calls = installed.calls()
    assert calls['mesh_reloc_node.left'].parameters['camera_frame'] == 'eye'
    assert calls['mesh_reloc_node.right'].parameters['camera_frame'] == 'right_optical_frame'
    warning = 'parameter left_child_frame is deprecated: use left_camera_frame'
    assert sum(line.endswith(warning) for line in printed) == 1


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (('right_namespace:=/left',), "are both 'left'"),
        (('left_publish_tf:=map_odom', 'right_publish_tf:=map_odom'), 'there is one odom'),
        (('right_initial_pose:=0',), "initial_pose: '0' is not"),
    ],
)
def test_two_cameras_that_cannot_go_together_are_refused_in_one_line(installed, arguments, reason):
    assert reason in installed.refusal('two_cameras.launch.py', *arguments)
