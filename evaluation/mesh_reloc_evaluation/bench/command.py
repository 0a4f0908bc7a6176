"""The command line of `mesh_reloc bench`."""

from __future__ import annotations

import argparse

from mesh_reloc_ros.cli.arguments import (
    add_ground_truth,
    add_inputs,
    add_output_folder,
    settings_of_arguments,
)

_OVERRIDES = ('device', 'rasterizer')

SUMMARY = 'compare accuracy and cost with other methods on the images of a bag'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc bench`."""
    add_inputs(parser, _OVERRIDES)
    add_ground_truth(parser)
    add_output_folder(parser, 'bench_output')
    parser.add_argument(
        '--methods',
        default='lm,sift,orb,adam',
        metavar='LIST',
        help='which to run, with commas between them (default: %(default)s)',
    )
    parser.add_argument(
        '--adam-images',
        type=int,
        default=3,
        metavar='N',
        help='images that adam gets, as it takes long over each on a CPU (default: %(default)s)',
    )
    parser.add_argument(
        '--profile', action='store_true', help='also show the time of each stage of lm'
    )
    parser.add_argument(
        '--scale', action='store_true', help='also time lm on finer meshes and other image sizes'
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    settings = settings_of_arguments(arguments, _OVERRIDES)
    # Imported here, as the renderer and the plots take a while that other commands need not wait.
    from mesh_reloc_evaluation.bench.run import run_bench

    return run_bench(arguments, settings)
