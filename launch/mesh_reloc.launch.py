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

_ARGUMENTS = [
    DeclareLaunchArgument(
        'mesh',
        default_value='',
        description='Textured mesh: a path, file:// or package:// (empty: as in params_file)',
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
        description='Rectified images; the base name, without /compressed',
    ),
    DeclareLaunchArgument(
        'camera_info_topic',
        default_value='camera_info',
        description='camera_info of these images',
    ),
    DeclareLaunchArgument(
        'image_transport',
        default_value='',
        description='raw or compressed (empty: as in params_file)',
    ),
    DeclareLaunchArgument(
        'initial_pose',
        default_value='',
        description='Start pose "x y z qx qy qz qw" of the optical frame in the map, in'
        ' metres (empty: as in params_file)',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as when a bag is played',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=['true', 'false'],
        description='Start RViz with the view of this package',
    ),
]


def _node(context: LaunchContext) -> list[Node]:
    """Return the node, with those arguments as parameters that are not empty."""
    values = {
        name: LaunchConfiguration(name).perform(context)
        for name in ('mesh', 'image_transport', 'initial_pose')
    }
    parameters: dict[str, object] = {name: value for name, value in values.items() if value}
    if 'initial_pose' in parameters:
        words = values['initial_pose'].replace(',', ' ').split()
        parameters['initial_pose'] = [float(word) for word in words]
    use_sim_time = LaunchConfiguration('use_sim_time').perform(context)
    parameters['use_sim_time'] = use_sim_time == 'true'
    return [
        Node(
            package='mesh_reloc_ros',
            executable='mesh_reloc_node',
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), parameters],
            remappings=[
                ('image_rect', LaunchConfiguration('image_topic')),
                ('camera_info', LaunchConfiguration('camera_info_topic')),
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
