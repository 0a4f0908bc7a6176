"""Start a mesh_reloc_node for each of two cameras in one mesh, in separate namespaces."""

from __future__ import annotations

import sys
from dataclasses import replace
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

from mesh_reloc_ros.config.declaration import settings_of
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.launch_arguments import unknown_arguments
from mesh_reloc_ros.config.node import NodeSettings

_LAUNCH = Path(get_package_share_directory('mesh_reloc_ros')) / 'launch'
_SIDES = ('left', 'right')

# Parameters of the node that differ between the cameras.
_NAMES = ('camera_frame', 'initial_pose', 'publish_tf')
_PARAMETERS = [each for each in settings_of(NodeSettings) if each.name in _NAMES]

# Arguments of mesh_reloc.launch.py that differ between the cameras.
_OWN = {
    'namespace': 'Namespace of the node and its topics',
    'image_topic': 'Topic of the images, in the namespace unless it begins with /',
    'camera_info_topic': 'Topic of the camera_info of these images, likewise',
    **{each.name: f'{each.description} (empty: as in params_file)' for each in _PARAMETERS},
}


def _arguments(side: str) -> list[DeclareLaunchArgument]:
    """Declare the arguments of one camera."""
    defaults = {
        'namespace': side,
        'image_topic': 'image_rect',
        'camera_info_topic': 'camera_info',
        # Cameras of the same model often have the same frame_id.
        'camera_frame': [LaunchConfiguration(f'{side}_namespace'), '_optical_frame'],
    }
    return [
        DeclareLaunchArgument(
            f'{side}_{name}',
            default_value=defaults.get(name, ''),
            description=f'Of the {side} camera: {description}',
        )
        for name, description in _OWN.items()
    ]


# The parameters by their names as arguments.
_SIDED = [
    replace(
        each,
        name=f'{side}_{each.name}',
        deprecated_names=tuple(f'{side}_{name}' for name in each.deprecated_names),
    )
    for side in _SIDES
    for each in _PARAMETERS
]


def _check_names(context: LaunchContext, cameras: list[GroupAction]) -> list[LogInfo]:
    """Replace deprecated arguments of one camera, and report them and unknown ones.

    :raises InputError: an argument is given by a deprecated and by its current name.
    """
    file, given = Path(__file__).name, context.launch_configurations
    current, warnings = without_deprecated(_SIDED, given)
    given.clear()
    given.update(current)
    known = [argument.name for argument in LaunchDescription(cameras).get_launch_arguments()]
    known += [f'{side}_{name}' for side in _SIDES for name in _OWN]
    known += [name for each in _SIDED for name in each.deprecated_names]
    warnings += unknown_arguments(file, known, given, sys.argv)
    return [LogInfo(msg=f'{file}: {warning}') for warning in warnings]


def _check(context: LaunchContext) -> list[LogInfo]:
    """Check that the cameras do not conflict, and report arguments without effect.

    :raises RuntimeError: both have the same namespace, or both publish map -> odom.
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
    """Return the node of one camera, with its own and the common arguments."""
    own = {name: LaunchConfiguration(f'{side}_{name}') for name in _OWN}
    source = PythonLaunchDescriptionSource(str(_LAUNCH / 'mesh_reloc.launch.py'))
    # The group limits the arguments of one camera to its node.
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=own.items())])


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments and the two nodes."""
    cameras = [_camera(side) for side in _SIDES]
    return LaunchDescription(
        [
            OpaqueFunction(function=_check_names, args=[cameras]),
            *(argument for side in _SIDES for argument in _arguments(side)),
            OpaqueFunction(function=_check),
            *cameras,
        ]
    )
