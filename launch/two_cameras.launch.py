"""Start mesh_reloc_node for two cameras in one mesh, each in a namespace of its own."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

_LAUNCH = Path(get_package_share_directory('mesh_reloc_ros')) / 'launch'
_SIDES = ('left', 'right')

# Arguments of mesh_reloc.launch.py that differ between the cameras.
_OWN = {
    'namespace': 'Namespace of the {} camera',
    'image_topic': 'Images of the {} camera, in its namespace unless it begins with /',
    'camera_info_topic': 'camera_info of the {} camera, likewise',
    'camera_frame': "Optical frame of the {} camera in TF (empty: the images' frame_id)",
    'initial_pose': 'Start pose of the {} camera (empty: as in params_file)',
    'publish_tf': 'What to publish in TF of the {} camera (empty: as in params_file)',
}


def _arguments(side: str) -> list[DeclareLaunchArgument]:
    """Declare the arguments of one camera."""
    defaults = {
        'namespace': side,
        'image_topic': 'image_rect',
        'camera_info_topic': 'camera_info',
        # Cameras of one make have one frame_id.
        'camera_frame': [LaunchConfiguration(f'{side}_namespace'), '_optical_frame'],
    }
    return [
        DeclareLaunchArgument(
            f'{side}_{name}',
            default_value=defaults.get(name, ''),
            description=description.format(side),
        )
        for name, description in _OWN.items()
    ]


def _check(context: LaunchContext) -> list[LogInfo]:
    """Refuse what cannot go well with two cameras, and name the arguments that have no effect.

    :raises RuntimeError: they would share a namespace, or both publish map -> odom.
    """

    def values(name: str) -> list[str]:
        return [LaunchConfiguration(f'{side}_{name}').perform(context) for side in _SIDES]

    left, right = values('namespace')
    if left.strip('/') == right.strip('/'):
        raise RuntimeError(f'left_namespace and right_namespace are both {left!r}: give two')
    if values('publish_tf') == ['map_odom', 'map_odom']:
        raise RuntimeError(
            'left_publish_tf and right_publish_tf are both map_odom, but there is one odom: set one'
            ' of them to none'
        )
    idle = [name for name in _OWN if name in context.launch_configurations]
    return [
        LogInfo(msg=f'{name} has no effect: give left_{name} and right_{name}') for name in idle
    ]


def _camera(side: str) -> GroupAction:
    """Return the node of one camera; what is not its own comes from the common arguments."""
    own = {name: LaunchConfiguration(f'{side}_{name}') for name in _OWN}
    source = PythonLaunchDescriptionSource(str(_LAUNCH / 'mesh_reloc.launch.py'))
    # In a group, so that what one camera is given does not reach the other.
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=own.items())])


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments and the two nodes."""
    return LaunchDescription(
        [
            *(argument for side in _SIDES for argument in _arguments(side)),
            OpaqueFunction(function=_check),
            *(_camera(side) for side in _SIDES),
        ]
    )
