"""The command line of `mesh_reloc bench`."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.arguments import OVERRIDES, add_ground_truth, add_output_folder
from mesh_reloc_ros.cli.arguments import add_inputs, settings_of_arguments

SUMMARY = 'compare accuracy and cost with other methods on a recording'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc bench`."""
    add_inputs(parser, OVERRIDES)
    add_ground_truth(parser)
    add_output_folder(parser, 'bench_output')
    parser.add_argument(
        '--methods',
        default='lm,sift,orb,adam',
        metavar='LIST',
        help='methods to run, separated by commas (default: %(default)s)',
    )
    parser.add_argument(
        '--adam-images',
        type=int,
        default=3,
        metavar='N',
        help='images for adam, which takes seconds per image on a CPU (default: %(default)s)',
    )
    parser.add_argument(
        '--profile', action='store_true', help='also report the time of each stage of lm'
    )
    parser.add_argument(
        '--scale',
        action='store_true',
        help='also time lm on finer meshes and at other image sizes (takes minutes)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    settings = settings_of_arguments(arguments, OVERRIDES)
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    from mesh_reloc_evaluation.bench.run import run_bench

    return run_bench(arguments, settings)
