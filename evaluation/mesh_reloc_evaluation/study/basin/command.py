"""`mesh_reloc study basin`: how far off a start pose may be."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.arguments import OVERRIDES, add_ground_truth, add_output_folder
from mesh_reloc_ros.cli.arguments import add_inputs, settings_of_arguments
from mesh_reloc_ros.errors import InputError

SUMMARY = 'how far off a start pose may be for the true pose to be found'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study basin`."""
    parser.epilog = (
        'Start poses are off the truth by an angle and by a share of the median depth, in random'
        ' directions. lm: one coarse-to-fine alignment. lm with hint: if its score is too low, a'
        ' search around the start pose. adam: on a smaller image. Without --mesh, a small'
        ' synthetic room is used. Runs are repeatable.'
    )
    add_inputs(parser, OVERRIDES, required=False, start_pose=False)
    add_ground_truth(parser)
    parser.add_argument(
        '--trials',
        type=int,
        default=60,
        metavar='N',
        help='start poses per level with both errors; half as many with only rotation or only'
        ' translation (default: %(default)s)',
    )
    parser.add_argument(
        '--adam-trials',
        type=int,
        default=6,
        metavar='N',
        help='start poses of adam per level with both errors, a few seconds each; 0: none'
        ' (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the trials, print, plot and write the metrics, and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if arguments.trials < 1 or arguments.adam_trials < 0:
        raise InputError('--trials must be at least 1, and --adam-trials at least 0')
    settings = settings_of_arguments(arguments, OVERRIDES)
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    from mesh_reloc_evaluation.study.basin.run import run_basin

    return run_basin(arguments, settings)
