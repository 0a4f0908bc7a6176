"""Arguments that several commands share: mesh, recording and settings."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.parameter_file import read_parameter_file
from mesh_reloc_ros.config.parameters import GROUPS, PARAMETERS
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.recordings.images import DEFAULT_RATE, ImageFiles
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.recordings.video import Video
from mesh_reloc_ros.types.frame import Frame

Values = dict[str, Any]
_SOURCES = ('bag', 'video', 'images')
_OF_BAGS = ('image_topic', 'camera_info_topic', 'odom_frame', 'camera_frame')


class DeprecatedOption(argparse.Action):
    """A deprecated option: stores its value for the option named by `dest`, with a warning."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value, and warn which option to use."""
        current = f'--{self.dest.replace("_", "-")}'
        print(f'{parser.prog}: {option_string} is deprecated: use {current}', file=sys.stderr)
        setattr(namespace, self.dest, values)


def add_inputs(
    parser: argparse.ArgumentParser,
    overrides: tuple[str, ...],
    *,
    required: bool = True,
    start_pose: bool = True,
) -> None:
    """Declare mesh, recording, start pose, time span and parameters.

    :param overrides: settings with an option that overrides the parameter file.
    :param required: whether mesh and recording must be given. :param start_pose: whether to declare
        the start pose.
    """
    parser.add_argument(
        '--mesh', type=Path, required=required, help='textured mesh (OBJ, PLY, GLB)'
    )
    add_recording(parser, required=required)
    if start_pose:
        parser.add_argument(
            '--initial-pose',
            metavar='"x y z qx qy qz qw"',
            help='pose of the first image: optical frame of the camera in the map, metres',
        )
    add_settings(parser, overrides)
    parser.add_argument(
        '--start',
        type=float,
        default=0.0,
        metavar='S',
        help='start, in seconds from the beginning',
    )
    parser.add_argument(
        '--end',
        type=float,
        default=math.inf,
        metavar='S',
        help='end, in seconds from the beginning',
    )


def add_settings(parser: argparse.ArgumentParser, overrides: tuple[str, ...]) -> None:
    """Declare the parameter file, and options that override settings in it."""
    parser.add_argument('--params', type=Path, metavar='config.yaml', help='ROS 2 parameter file')
    for name in overrides:
        parser.add_argument(
            f'--{name}', choices=PARAMETERS[name].choices, help='overrides --params'
        )


def add_recording(
    parser: argparse.ArgumentParser, *, required: bool
) -> argparse._MutuallyExclusiveGroup:
    """Declare a bag, a video or images, and their camera; return the group of the three."""
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument('--bag', type=Path, help='rosbag2 recording, or a ROS 1 bag')
    source.add_argument('--video', type=Path, metavar='FILE', help='video file, as MP4')
    source.add_argument(
        '--images',
        type=Path,
        metavar='DIR|GLOB',
        help='image files in the natural order of their names: a folder, or "photos/*.jpg"',
    )
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument(
        '--camera',
        type=Path,
        metavar='camera.yaml',
        help='camera of a video or of images, or of a bag instead of camera_info: YAML of'
        ' camera_calibration, or cameras.txt of COLMAP',
    )
    camera.add_argument(
        '--fov',
        type=float,
        metavar='DEGREES',
        help='instead of --camera: field of view across the width of images without distortion',
    )
    parser.add_argument(
        '--rate',
        type=float,
        metavar='HZ',
        help=f'rate of the images of --images (default: {DEFAULT_RATE:g})',
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        '--rectify',
        action='store_true',
        help='the images are raw, as the camera took them: rectify them',
    )
    kind.add_argument(
        '--rectified',
        action='store_true',
        help='the images are rectified already, whatever camera or topic suggest',
    )
    parser.add_argument('--image-topic', default='', help="default: the bag's only image topic")
    parser.add_argument(
        '--camera-info-topic', default='', help="default: the bag's only camera_info topic"
    )
    parser.add_argument(
        '--odom-frame',
        default='',
        metavar='FRAME',
        help='predict the motion from odometry in this frame, from /tf and /tf_static of the bag',
    )
    parser.add_argument(
        '--camera-frame',
        default='',
        metavar='FRAME',
        help='optical frame of the camera in TF (default: frame_id of the images)',
    )
    return source


def recording_name(arguments: argparse.Namespace) -> str:
    """Return what the recording of `add_recording` is called in messages; '' if none is given."""
    given = [name for name in _SOURCES if getattr(arguments, name) is not None]
    return f'{given[0]} {getattr(arguments, given[0])}' if given else ''


def open_recording(arguments: argparse.Namespace) -> Recording:
    """Open the bag, video or images of `add_recording`.

    :raises InputError: it cannot be read, lacks something, or does not go with other arguments.
    """
    rectify = True if arguments.rectify else False if arguments.rectified else None
    is_given = arguments.camera is not None or arguments.fov is not None
    if arguments.bag is not None:
        _refuse(arguments, ('rate',), 'a bag has stamps')
        return ImageBag(
            arguments.bag,
            arguments.image_topic,
            arguments.camera_info_topic,
            rectify,
            arguments.odom_frame,
            arguments.camera_frame,
            Calibration(arguments.camera, arguments.fov, rectify) if is_given else None,
        )
    _refuse(arguments, _OF_BAGS, 'it is for bags')
    calibration = Calibration(arguments.camera, arguments.fov, rectify)
    if arguments.video is not None:
        _refuse(arguments, ('rate',), 'a video has stamps')
        return Video(arguments.video, calibration)
    return ImageFiles(arguments.images, calibration, arguments.rate)


def first_frame(recording: Recording, arguments: argparse.Namespace) -> Frame:
    """Return the first image of the time span of `add_inputs`.

    :raises InputError: there is none.
    """
    begin, end = arguments.start, arguments.end
    first = next(recording.frames(begin, end), None)
    if first is None:
        raise InputError(f'{recording.name} has no images from {begin:g} to {end:g} s')
    return first


def _refuse(arguments: argparse.Namespace, names: tuple[str, ...], reason: str) -> None:
    given = next((name for name in names if getattr(arguments, name) not in (None, '')), None)
    if given is not None:
        raise InputError(f'--{given.replace("_", "-")} with {recording_name(arguments)}: {reason}')


def settings_of_arguments(arguments: argparse.Namespace, overrides: tuple[str, ...]) -> Settings:
    """Return the settings from the file --params and from the options that override it.

    :raises InputError: the file cannot be read, or has an unknown parameter or an unusable value.
    """
    return build(Settings, values_of_arguments(arguments, overrides))


def values_of_arguments(arguments: argparse.Namespace, overrides: tuple[str, ...]) -> Values:
    """Return the parameters that `settings_of_arguments` uses, and others, by dotted name.

    :raises InputError: the file cannot be read, or has an unknown parameter.
    """
    values = read_parameter_file(arguments.params) if arguments.params else {}
    values, warnings = without_deprecated(PARAMETERS.values(), values)
    for warning in warnings:
        print(f'parameter file {arguments.params}: {warning}', file=sys.stderr)
    for name in sorted(values.keys() - PARAMETERS.keys()):
        # Without a group it may be a parameter of another node, or of every node.
        if name.split('.')[0] in GROUPS:
            raise InputError(f'parameter file {arguments.params}: there is no parameter {name}')
    for name in overrides:
        if getattr(arguments, name) is not None:
            values[name] = getattr(arguments, name)
    return values
