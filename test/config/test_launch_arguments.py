import pytest

from mesh_reloc_ros.config.launch_arguments import unknown_arguments

KNOWN = ('mesh', 'initialization', 'camera_frame', 'namespace')
FILE = 'mesh_reloc.launch.py'


@pytest.mark.parametrize('file', [FILE, f'/opt/share/mesh_reloc_ros/launch/{FILE}'])
def test_every_unknown_argument_of_the_command_is_named(file):
    command = ['ros2', 'launch', file, 'mehs:=a', 'robot:=b', 'mesh:=c', 'child_frame:=d']
    assert unknown_arguments(FILE, KNOWN, ['mesh', 'of_launch_itself'], command) == [
        'unknown argument mehs: did you mean mesh?',
        'unknown argument robot: ignored; --show-args lists them all',
    ]


def test_arguments_that_may_belong_to_another_launch_file_are_not_named():
    command = ['ros2', 'launch', 'robot.launch.py', 'mehs:=a']
    given = ('camera_name', 'mehs', 'initialisation', 'start_from')
    assert unknown_arguments(FILE, KNOWN, given, command) == [
        'unknown argument initialisation: did you mean initialization?'
    ]


def test_a_launch_file_of_the_package_that_includes_another_names_them_alone():
    command = ['ros2', 'launch', 'mesh_reloc_ros', 'replay.launch.py', 'initialisation:=saved']
    assert unknown_arguments(FILE, KNOWN, ['initialisation'], command) == []
