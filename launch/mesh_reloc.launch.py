"""Start mesh_reloc_node, and RViz where asked for."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

_SHARE = Path(get_package_share_directory('mesh_reloc_ros'))
_YES_OR_NO = ['true', 'false']

# Arguments that are parameters of the node, too: description, and the values that they may have.
_PARAMETERS: dict[str, tuple[str, list[str] | None]] = {
    'mesh': ('Textured mesh: a path, file:// or package://', None),
    'camera_frame': ("Camera's optical frame in TF", None),
    'image_transport': ('How the images come', ['raw', 'compressed']),
    'rectify': ('The images are raw (image_raw): the node rectifies them', _YES_OR_NO),
    'initial_pose': (
        'Start pose "x y z qx qy qz qw" of the optical frame in the map, in metres',
        None,
    ),
    'initialization': ('Where to start', ['pose', 'global', 'saved']),
    'publish_tf': ('What to publish in TF', ['map_camera', 'map_odom', 'none']),
    'autostart': ('Configure and activate at once, without a lifecycle manager', _YES_OR_NO),
}

_ARGUMENTS = [
    *(
        DeclareLaunchArgument(
            name,
            default_value='',
            choices=choices and ['', *choices],
            description=f'{description} (empty: as in params_file)',
        )
        for name, (description, choices) in _PARAMETERS.items()
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(_SHARE / 'config' / 'mesh_reloc.yaml'),
        description='Parameter file of the node; the other arguments come before it',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='Namespace of the node, its topics, and RViz'
    ),
    DeclareLaunchArgument(
        'image_topic',
        default_value='image_rect',
        description='Rectified images, or raw ones with rectify; without /compressed',
    ),
    DeclareLaunchArgument(
        'camera_info_topic',
        default_value='camera_info',
        description='camera_info of these images',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=_YES_OR_NO,
        description='Take the time from /clock, as when a bag is played',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=_YES_OR_NO,
        description='Start RViz with the view of this package',
    ),
]


def _numbers(initial_pose: str) -> list[float]:
    """Return the seven numbers of a start pose; spaces, commas and brackets may surround them."""
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
    """Return the parameter that an argument means."""
    if name == 'initial_pose':
        return _numbers(value)
    return value == 'true' if _PARAMETERS[name][1] is _YES_OR_NO else value


def _node(context: LaunchContext) -> list[Node]:
    """Return the node, with those arguments as parameters that are not empty."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    params_file = Path(value('params_file')).expanduser()
    if not params_file.is_file():
        raise RuntimeError(f'params_file: {params_file} does not exist or is no file')
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
        # The view's topics are relative, so that they are the node's in any namespace.
        namespace=LaunchConfiguration('namespace'),
        arguments=['-d', str(_SHARE / 'config' / 'mesh_reloc.rviz')],
        parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return LaunchDescription([*_ARGUMENTS, OpaqueFunction(function=_node), rviz])
