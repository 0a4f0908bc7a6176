"""Start mesh_reloc_node, and RViz on request."""

from __future__ import annotations

import sys
from pathlib import Path

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
)
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from mesh_reloc_ros.config.declaration import Setting, settings_of
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.launch_arguments import unknown_arguments
from mesh_reloc_ros.config.node import NodeSettings

_SHARE = Path(get_package_share_directory('mesh_reloc_ros'))
_YES_OR_NO = ['true', 'false']

# Parameters of the node that are arguments, too.
_NAMES = (
    'mesh',
    'camera_frame',
    'base_frame',
    'image_transport',
    'rectify',
    'initial_pose',
    'initialization',
    'publish_tf',
    'autostart',
)
_PARAMETERS = {each.name: each for each in settings_of(NodeSettings) if each.name in _NAMES}


def _argument(setting: Setting) -> DeclareLaunchArgument:
    """Declare the argument of a parameter; without a value, the parameter file decides."""
    choices = _YES_OR_NO if isinstance(setting.default, bool) else setting.choices
    return DeclareLaunchArgument(
        setting.name,
        default_value='',
        choices=['', *choices] if choices else None,
        description=f'{setting.description} (empty: as in params_file)',
    )


_ARGUMENTS = [
    *(_argument(setting) for setting in _PARAMETERS.values()),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(_SHARE / 'config' / 'mesh_reloc.yaml'),
        description='Parameter file of the node; other arguments override it',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='Namespace of the node, its topics, and RViz'
    ),
    DeclareLaunchArgument(
        'image_topic',
        default_value='image_rect',
        description='Topic of the images: rectified, or raw with rectify; without /compressed',
    ),
    DeclareLaunchArgument(
        'camera_info_topic',
        default_value='camera_info',
        description='Topic of the camera_info of these images',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=_YES_OR_NO,
        description='Use the time on /clock, for bags and simulations',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=_YES_OR_NO,
        description='Start RViz with the configuration of this package',
    ),
    DeclareLaunchArgument(
        'required',
        default_value='true',
        choices=_YES_OR_NO,
        description='End the launch when the node ends, with status 1 if the node failed',
    ),
]


def _check_names(context: LaunchContext) -> list[LogInfo]:
    """Replace deprecated arguments, and report them and unknown ones.

    :raises InputError: an argument is given by a deprecated and by its current name.
    """
    given = context.launch_configurations
    current, warnings = without_deprecated(_PARAMETERS.values(), given)
    given.clear()
    given.update(current)
    known = [argument.name for argument in _ARGUMENTS]
    warnings += unknown_arguments(Path(__file__).name, known, given, sys.argv)
    return [_line(warning) for warning in warnings]


def _line(text: str) -> LogInfo:
    return LogInfo(msg=f'{Path(__file__).name}: {text}')


def _numbers(initial_pose: str) -> list[float]:
    """Return the seven numbers of an initial pose; spaces, commas and brackets are separators.

    :raises RuntimeError: they are not seven numbers.
    """
    try:
        numbers = [float(word) for word in initial_pose.strip('[] ').replace(',', ' ').split()]
    except ValueError:
        numbers = []
    if len(numbers) != 7:
        raise RuntimeError(
            f'initial_pose: {initial_pose!r} is not "x y z qx qy qz qw", seven numbers'
        )
    return numbers


def _parameter(name: str, value: str) -> object:
    """Return the value of an argument in the type of its parameter."""
    default = _PARAMETERS[name].default
    if isinstance(default, list):
        return _numbers(value)
    return value == 'true' if isinstance(default, bool) else value


def _node(context: LaunchContext) -> list[Node]:
    """Return the node, with the arguments that are not empty as parameters.

    :raises RuntimeError: an argument cannot be used.
    """

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    params_file = Path(value('params_file')).expanduser()
    if not params_file.is_file():
        raise RuntimeError(f'params_file: {params_file} does not exist or is not a file')
    if value('image_topic').endswith('/compressed'):
        raise RuntimeError(
            f'image_topic: leave /compressed out of {value("image_topic")}, and give'
            ' image_transport:=compressed'
        )
    parameters: dict[str, object] = {
        name: _parameter(name, value(name)) for name in _PARAMETERS if value(name)
    }
    parameters['use_sim_time'] = value('use_sim_time') == 'true'
    return [
        Node(
            package='mesh_reloc_ros',
            executable='mesh_reloc_node',
            namespace=value('namespace'),
            parameters=[str(params_file), parameters],
            remappings=[
                ('image_rect', value('image_topic')),
                ('camera_info', value('camera_info_topic')),
            ],
            output='screen',
            emulate_tty=True,
            on_exit=_end_with_node if value('required') == 'true' else None,
        )
    ]


def _end_with_node(event: ProcessExited, context: LaunchContext) -> Shutdown | None:
    """End the launch.

    :raises RuntimeError: the node failed. Launch has no other way to end with a status but 0.
    """
    if context.is_shutdown:
        return None
    if event.returncode:
        raise RuntimeError(f'mesh_reloc_node ended with status {event.returncode}')
    return Shutdown(reason='mesh_reloc_node ended')


def _rviz(context: LaunchContext) -> list[Node | LogInfo]:
    """Return RViz if it is asked for, or a line if it is not installed."""
    if LaunchConfiguration('rviz').perform(context) != 'true':
        return []
    try:
        is_installed = Path(get_package_prefix('rviz2'), 'lib', 'rviz2', 'rviz2').exists()
    except PackageNotFoundError:
        is_installed = False
    if not is_installed:
        return [_line('rviz2 is not installed: the node starts without it')]
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            # The topics of the view are relative: with its namespace they are those of the node.
            namespace=LaunchConfiguration('namespace'),
            arguments=['-d', str(_SHARE / 'config' / 'mesh_reloc.rviz')],
            parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments, the node and RViz."""
    actions = [OpaqueFunction(function=function) for function in (_check_names, _node, _rviz)]
    return LaunchDescription([actions[0], *_ARGUMENTS, *actions[1:]])
