"""The command line of `mesh_reloc stress`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mesh_reloc_ros.cli.arguments import (
    add_ground_truth,
    add_inputs,
    add_output_folder,
    settings_of_arguments,
)
from mesh_reloc_ros.errors import InputError

_OVERRIDES = ('device', 'rasterizer')

SUMMARY = 'put the images of a bag through faults: what is published, and wrong'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc stress`."""
    parser.epilog = (
        'Without --mesh and --bag, the sample of the demo is made and used. Exit status: 0 if no'
        ' wrong pose was published, 1 if one was, 2 for unusable arguments or input.'
    )
    add_inputs(parser, _OVERRIDES, required=False, start_pose=False)
    add_ground_truth(parser)
    add_output_folder(parser, 'stress_output')
    parser.add_argument(
        '--faults',
        default='',
        metavar='LIST',
        help='which faults to run, with commas between them; a single case as kidnap:3'
        ' (default: all)',
    )
    parser.add_argument(
        '--moments',
        type=int,
        default=2,
        metavar='N',
        help='at how many places of the recording each fault occurs (default: %(default)s)',
    )
    parser.add_argument(
        '--foreign',
        type=int,
        metavar='N',
        help='how many images of something else are shown to the tracker in each of its states'
        ' (default: 200, or 0 with --faults)',
    )
    parser.add_argument(
        '--foreign-bag',
        type=Path,
        metavar='BAG',
        help='a recording of another place, whose images are among those',
    )
    parser.add_argument(
        '--live',
        action='store_true',
        help='show the images at their own rate, as the node gets them, and search beside the'
        ' tracking: images are missed while the tracker is at work, and runs differ a little',
    )
    parser.add_argument(
        '--quick', action='store_true', help='one case of each strength, and 24 foreign images'
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the faults and return the exit status: 1 if a wrong pose was published, else 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if (arguments.mesh is None) != (arguments.bag is None):
        raise InputError('give both --mesh and --bag, or neither, to use the sample of the demo')
    settings = settings_of_arguments(arguments, _OVERRIDES)
    # Imported here, as the renderer and the plots take a while that other commands need not wait.
    from mesh_reloc_evaluation.stress.run import run_stress

    return run_stress(arguments, settings)
