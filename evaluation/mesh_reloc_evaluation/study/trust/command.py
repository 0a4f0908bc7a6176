"""`mesh_reloc study trust`: whether right and wrong poses differ in the quality criteria."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.arguments import OVERRIDES, add_ground_truth, add_output_folder
from mesh_reloc_ros.cli.arguments import add_inputs, settings_of_arguments
from mesh_reloc_ros.errors import InputError

SUMMARY = 'whether right and wrong poses differ in the criteria that decide on trust'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study trust`."""
    add_inputs(parser, OVERRIDES, start_pose=False)
    add_ground_truth(parser)
    parser.add_argument(
        '--count',
        type=int,
        default=25,
        metavar='N',
        help='number of images, spread evenly over the recording (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the trials, print, plot and write the metrics, and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if arguments.count < 1:
        raise InputError('--count must be at least 1')
    settings = settings_of_arguments(arguments, OVERRIDES)
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    from mesh_reloc_evaluation.study.trust.run import run_trust

    return run_trust(arguments, settings)
