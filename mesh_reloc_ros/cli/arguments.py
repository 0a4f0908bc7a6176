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
    """Declare mesh, bag, start pose, topics, time span and parameters.

    :param overrides: settings with an option that overrides the parameter file.
    :param required: whether mesh and bag must be given. :param start_pose: whether to declare
        the start pose.
    """
    parser.add_argument(
        '--mesh', type=Path, required=required, help='textured mesh (OBJ, PLY, GLB)'
    )
    parser.add_argument('--bag', type=Path, required=required, help='folder of a rosbag2 recording')
    if start_pose:
        parser.add_argument(
            '--initial-pose',
            metavar='"x y z qx qy qz qw"',
            help='pose of the first image: optical frame of the camera in the map, metres',
        )
    parser.add_argument('--image-topic', default='', help="default: the bag's only image topic")
    parser.add_argument(
        '--camera-info-topic', default='', help="default: the bag's only camera_info topic"
    )
    parser.add_argument(
        '--rectify',
        action='store_true',
        help='rectify raw images (image_raw) with camera_info',
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
    parser.add_argument('--params', type=Path, metavar='config.yaml', help='ROS 2 parameter file')
    for name in overrides:
        parser.add_argument(
            f'--{name}', choices=PARAMETERS[name].choices, help='overrides --params'
        )
    parser.add_argument(
        '--start',
        type=float,
        default=0.0,
        metavar='S',
        help='start, in seconds from the beginning of the bag',
    )
    parser.add_argument(
        '--end',
        type=float,
        default=math.inf,
        metavar='S',
        help='end, in seconds from the beginning of the bag',
    )


def open_bag(arguments: argparse.Namespace) -> ImageBag:
    """Open the bag that `add_inputs` names.

    :raises InputError: it cannot be read, or a topic is missing.
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
    """Return the settings from the file --params and from the options that override it.

    :raises InputError: the file cannot be read, or has an unknown parameter or an unusable value.
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
    return build(Settings, values)
