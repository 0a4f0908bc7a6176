"""Start mesh_reloc_node, and RViz on request."""

from __future__ import annotations

import difflib
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from mesh_reloc_ros.config.declaration import Setting, settings_of
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.node import NodeSettings

_SHARE = Path(get_package_share_directory('mesh_reloc_ros'))
_YES_OR_NO = ['true', 'false']

# Parameters of the node that are arguments, too.
_NAMES = (
    'mesh',
    'camera_frame',
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
]


def _check_names(context: LaunchContext) -> list[LogInfo]:
    """Replace deprecated arguments, and report them and misspelt ones.

    Launch itself ignores unknown arguments: they may belong to a launch file that includes this
    one.

    :raises InputError: an argument is given by a deprecated and by its current name.
    """
    given = context.launch_configurations
    current, warnings = without_deprecated(_PARAMETERS.values(), given)
    given.clear()
    given.update(current)
    known = [argument.name for argument in _ARGUMENTS]
    for name in given.keys() - set(known):
        for similar in difflib.get_close_matches(name, known, n=1, cutoff=0.88):
            warnings.append(f'unknown argument {name}: did you mean {similar}?')
    return [LogInfo(msg=f'mesh_reloc.launch.py: {warning}') for warning in warnings]


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
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments, the node and RViz."""
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        # The topics of the view are relative: with its namespace they are those of the node.
        namespace=LaunchConfiguration('namespace'),
        arguments=['-d', str(_SHARE / 'config' / 'mesh_reloc.rviz')],
        parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return LaunchDescription(
        [OpaqueFunction(function=_check_names), *_ARGUMENTS, OpaqueFunction(function=_node), rviz]
    )
