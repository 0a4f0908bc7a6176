"""`mesh_reloc study consistency`: whether pose errors agree with the reported covariance."""

from __future__ import annotations

import argparse
from pathlib import Path

from mesh_reloc_evaluation.arguments import add_ground_truth, add_output_folder
from mesh_reloc_ros.errors import InputError

SUMMARY = 'whether pose errors agree with the reported covariance'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study consistency`."""
    parser.epilog = (
        'Images are rendered at true poses, with random noise and exposure, and aligned. Without'
        ' --mesh, a small synthetic room is used. With --mesh, the poses are those of the bag or of'
        ' --ground-truth, and the camera is that of the bag, or one of 640x480. Runs are'
        ' repeatable.'
    )
    parser.add_argument('--mesh', type=Path, help='textured mesh (OBJ with MTL)')
    parser.add_argument('--bag', type=Path, help='folder of a rosbag2 recording in that mesh')
    add_ground_truth(parser)
    parser.add_argument(
        '--trials',
        type=int,
        default=100,
        metavar='N',
        help='images per kind of noise (default: %(default)s)',
    )
    parser.add_argument(
        '--map-error-scale',
        type=float,
        default=0.0,
        metavar='K',
        help='alignment.map_error_scale; 0, as the mesh is exact here (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the trials, print, plot and write the metrics, and return the exit status 0.

    :raises InputError: an argument, the mesh, the poses or the output is unusable.
    """
    if arguments.trials < 1 or not arguments.map_error_scale >= 0:
        raise InputError('--trials must be at least 1, and --map-error-scale at least 0')
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    from mesh_reloc_evaluation.study.consistency.run import run_consistency

    return run_consistency(arguments)
