"""The launch files under the real launch system, where one is installed, with stand-in programs."""

import re

import pytest
from support.installed import ROOT, Installed

pytest.importorskip('launch_ros', reason='launch is not on PyPI; it comes with a ROS installation')


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
