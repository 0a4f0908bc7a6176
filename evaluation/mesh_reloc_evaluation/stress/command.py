"""The command line of `mesh_reloc stress`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mesh_reloc_evaluation.arguments import OVERRIDES, add_ground_truth, add_output_folder
from mesh_reloc_ros.cli.arguments import (
    DeprecatedOption,
    add_inputs,
    recording_name,
    settings_of_arguments,
)
from mesh_reloc_ros.errors import InputError

SUMMARY = 'test what is published when the images of a recording have faults'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc stress`."""
    parser.epilog = (
        'Without --mesh and --bag, the sample of the demo is made and used. Exit status: 0 if no'
        ' wrong pose was published, 1 if one was, 2 for unusable arguments or input.'
    )
    add_inputs(parser, OVERRIDES, required=False, start_pose=False)
    add_ground_truth(parser)
    add_output_folder(parser, 'stress_output')
    parser.add_argument(
        '--faults',
        default='',
        metavar='LIST',
        help='faults to run, separated by commas; a single case as kidnap:3 (default: all)',
    )
    parser.add_argument(
        '--moments',
        type=int,
        default=2,
        metavar='N',
        help='at how many places of the recording each fault occurs (default: %(default)s)',
    )
    parser.add_argument(
        '--out-of-map',
        type=int,
        metavar='N',
        help='number of images that do not show the map, for each state of the tracker'
        ' (default: 200, or 0 with --faults)',
    )
    parser.add_argument(
        '--out-of-map-bag',
        type=Path,
        metavar='BAG',
        help='recording of another place, whose images are used among those',
    )
    parser.add_argument(
        '--live',
        action='store_true',
        help='give the images in real time, as the node gets them, and search on a second thread:'
        ' a busy tracker misses images, and runs differ a little',
    )
    parser.add_argument(
        '--quick', action='store_true', help='one case per strength, and 24 out-of-map images'
    )
    for option, kind in (('--out-of-map', int), ('--out-of-map-bag', Path)):
        parser.add_argument(
            option.replace('--out-of-map', '--foreign'),
            dest=option.strip('-').replace('-', '_'),
            type=kind,
            action=DeprecatedOption,
            help=argparse.SUPPRESS,
        )


def run(arguments: argparse.Namespace) -> int:
    """Run the stress test and return the exit status: 1 if a wrong pose was published, else 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if (arguments.mesh is None) != (not recording_name(arguments)):
        raise InputError(
            'give both --mesh and --bag (or --video, --images), or neither to use the sample of the'
            ' demo'
        )
    settings = settings_of_arguments(arguments, OVERRIDES)
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    from mesh_reloc_evaluation.stress.run import run_stress

    return run_stress(arguments, settings)
