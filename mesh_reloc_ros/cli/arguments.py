"""Arguments that several commands have: what is tracked, in what, and with which settings."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesh_reloc_ros.config.declaration import build, settings_of
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.parameter_file import read_parameter_file
from mesh_reloc_ros.config.parameters import PARAMETERS
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.bag import ImageBag


class DeprecatedOption(argparse.Action):
    """An option that stands for the option of its `dest`, with a warning."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value, and print which option to use."""
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
    """Declare mesh, bag, start pose, topics, time span and parameters.

    :param overrides: settings that have an argument of their own. :param required: whether mesh and
        bag must be given. :param start_pose: whether there is a start pose to give.
    """
    choices = {declared.name: declared.choices for declared in settings_of(Settings)}
    parser.add_argument('--mesh', type=Path, required=required, help='textured mesh (OBJ with MTL)')
    parser.add_argument('--bag', type=Path, required=required, help='folder of a rosbag2 recording')
    if start_pose:
        parser.add_argument(
            '--initial-pose',
            metavar='"x y z qx qy qz qw"',
            help="map_T_camera of the first image: the camera's optical frame in the map, metres",
        )
    parser.add_argument('--image-topic', default='', help="default: the bag's only image topic")
    parser.add_argument(
        '--camera-info-topic', default='', help="default: the bag's only camera_info topic"
    )
    parser.add_argument(
        '--rectify',
        action='store_true',
        help='the images are raw (image_raw): rectify them by camera_info',
    )
    parser.add_argument(
        '--odom-frame',
        default='',
        metavar='FRAME',
        help="predict by the camera's motion in this frame, by /tf and /tf_static of the bag",
    )
    parser.add_argument(
        '--camera-frame',
        default='',
        metavar='FRAME',
        help="camera's optical frame in TF (default: frame_id of the images)",
    )
    parser.add_argument('--params', type=Path, metavar='config.yaml', help='ROS 2 parameter file')
    for name in overrides:
        parser.add_argument(f'--{name}', choices=choices[name], help='overrides --params')
    parser.add_argument(
        '--start', type=float, default=0.0, metavar='S', help='seconds into the bag to begin at'
    )
    parser.add_argument(
        '--end', type=float, default=math.inf, metavar='S', help='seconds into the bag to end at'
    )


def add_ground_truth(parser: argparse.ArgumentParser) -> None:
    """Declare the file of true poses."""
    parser.add_argument(
        '--ground-truth',
        type=Path,
        metavar='TRUTH.tum',
        help="true poses; default: the bag's only PoseStamped topic",
    )


def add_output_folder(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare the folder that a command leaves its figures and pictures in."""
    parser.add_argument(
        '--output',
        type=Path,
        default=Path(default),
        metavar='DIR',
        help='folder for the figures and pictures (default: %(default)s)',
    )


def open_bag(arguments: argparse.Namespace) -> ImageBag:
    """Open the bag that `add_inputs` names.

    :raises InputError: it cannot be read, or lacks a topic.
    """
    return ImageBag(
        arguments.bag,
        arguments.image_topic,
        arguments.camera_info_topic,
        arguments.rectify,
        arguments.odom_frame,
        arguments.camera_frame,
    )


def settings_of_arguments(arguments: argparse.Namespace, overrides: tuple[str, ...]) -> Settings:
    """Return the settings of --params, with those that have an argument of their own.

    :raises InputError: the file is unusable, or a value of it.
    """
    values = read_parameter_file(arguments.params) if arguments.params else {}
    values, warnings = without_deprecated(PARAMETERS.values(), values)
    for warning in warnings:
        print(f'parameter file {arguments.params}: {warning}', file=sys.stderr)
    declared = {setting.name for setting in settings_of(Settings)}
    groups = {name.split('.')[0] for name in declared if '.' in name}
    for name in sorted(set(values) - declared):
        if name.split('.')[0] in groups:
            raise InputError(f'parameter file {arguments.params}: there is no parameter {name}')
    for name in overrides:
        if getattr(arguments, name) is not None:
            values[name] = getattr(arguments, name)
    return build(Settings, values)
