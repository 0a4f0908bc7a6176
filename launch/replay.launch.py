"""Start mesh_reloc_node, and play a bag as soon as the node is ready."""

from __future__ import annotations

import sys
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from mesh_reloc_ros.config.launch_arguments import unknown_arguments

_LAUNCH = Path(get_package_share_directory('mesh_reloc_ros')) / 'launch'

_ARGUMENTS = [
    DeclareLaunchArgument('bag', description='Folder of the rosbag2 recording'),
    DeclareLaunchArgument('rate', default_value='1.0', description='Playback speed'),
    DeclareLaunchArgument(
        'loop',
        default_value='false',
        choices=['true', 'false'],
        description='Repeat the bag endlessly',
    ),
    DeclareLaunchArgument(
        'delay',
        default_value='3.0',
        description='Seconds from the ready node to the first image, for DDS discovery',
    ),
]


def _number(name: str, text: str, least: float) -> str:
    """Return a number as text for the player.

    :raises RuntimeError: it is not a number, or too small.
    """
    try:
        number = float(text)
    except ValueError:
        number = float('nan')
    if not number >= least:
        raise RuntimeError(f'{name}: {text!r} is not a number of {least:g} or more')
    return f'{number:g}'


def _play_when_ready(context: LaunchContext) -> list[RegisterEventHandler]:
    """Start the player when the node is ready: until then it would miss the images."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    bag = Path(value('bag')).expanduser()
    if not bag.exists():
        raise RuntimeError(f'bag: {bag} does not exist')
    rate, delay = _number('rate', value('rate'), 0.01), _number('delay', value('delay'), 0.0)
    command = ['ros2', 'bag', 'play', str(bag), '--clock', '--rate', rate]
    # The player refuses a delay of zero.
    command += [] if delay == '0' else ['--delay', delay]
    player = ExecuteProcess(
        cmd=[*command, '--loop'] if value('loop') == 'true' else command, output='screen'
    )
    waiting = [player]

    def start(event: ProcessIO) -> list[ExecuteProcess]:
        is_ready = 'mesh_reloc_node' in event.process_name and b'ready: /' in event.text
        return [waiting.pop()] if is_ready and waiting else []

    return [RegisterEventHandler(OnProcessIO(on_stdout=start, on_stderr=start))]


def _report_unknown(context: LaunchContext, node: IncludeLaunchDescription) -> list[LogInfo]:
    """Report misspelt arguments."""
    known = [argument.name for argument in LaunchDescription([node]).get_launch_arguments()]
    known += [argument.name for argument in _ARGUMENTS]
    file, given = Path(__file__).name, context.launch_configurations
    lines = unknown_arguments(file, known, given, sys.argv)
    return [LogInfo(msg=f'{file}: {line}') for line in lines]


def generate_launch_description() -> LaunchDescription:
    """Describe the node, with the arguments of mesh_reloc.launch.py, and the player."""
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(_LAUNCH / 'mesh_reloc.launch.py')),
        launch_arguments={'use_sim_time': 'true'}.items(),
    )
    return LaunchDescription(
        [
            OpaqueFunction(function=_report_unknown, args=[node]),
            *_ARGUMENTS,
            OpaqueFunction(function=_play_when_ready),
            node,
        ]
    )
