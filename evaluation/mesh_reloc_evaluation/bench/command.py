"""The command line of `mesh_reloc bench`."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.arguments import OVERRIDES, add_ground_truth, add_output_folder
from mesh_reloc_ros.cli.arguments import add_inputs, settings_of_arguments

SUMMARY = 'compare accuracy and cost with other methods on a recording'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc bench`."""
    add_inputs(parser, OVERRIDES, required=False)
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
    parser.add_argument(
        '--launches',
        action='store_true',
        help='count what a tracked image costs on a GPU, on an emulated one, instead of comparing'
        ' methods',
    )
    _add_from_nothing(parser)
    _add_live(parser)


def _add_live(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('the node over DDS')
    group.add_argument(
        '--live',
        action='store_true',
        help='play the recording to the node in real time and measure what it answers, instead of'
        ' comparing methods',
    )
    group.add_argument(
        '--cores',
        default='',
        metavar='LIST',
        help='cores that the node may use, such as 0,1 (default: all)',
    )
    group.add_argument(
        '--busy',
        type=int,
        default=0,
        metavar='N',
        help='busy loops on the same cores (default: %(default)s)',
    )
    group.add_argument(
        '--cameras',
        type=int,
        default=1,
        metavar='N',
        help='nodes, each with a camera that sends the same images (default: %(default)s)',
    )
    group.add_argument(
        '--rounds',
        type=int,
        default=3,
        metavar='N',
        help='how often the recording is played (default: %(default)s)',
    )
    group.add_argument(
        '--search', action='store_true', help='search for the camera in each round, from nothing'
    )


def _add_from_nothing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('without a start pose')
    group.add_argument(
        '--from-nothing',
        action='store_true',
        help='measure how often the camera is found without a start pose, instead of comparing'
        ' methods (takes minutes per mesh)',
    )
    group.add_argument(
        '--scene',
        action='append',
        metavar='NAME=FOLDER',
        help='a scene beside --mesh and --bag: a folder with an OBJ mesh, a bag and, if the bag'
        ' has no true poses, a TUM file; may be repeated',
    )
    group.add_argument(
        '--cases',
        default='recording,cut,turned,site,twice',
        metavar='LIST',
        help='cases to run, separated by commas (default: %(default)s)',
    )
    group.add_argument(
        '--count',
        type=int,
        default=15,
        metavar='N',
        help='images of each scene that are searched for one by one (default: %(default)s)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if arguments.live:
        from mesh_reloc_evaluation.bench.live.run import run_live

        return run_live(arguments)
    settings = settings_of_arguments(arguments, OVERRIDES)
    # Imported here: torch and matplotlib take seconds to load, which --help does not need.
    if arguments.from_nothing:
        from mesh_reloc_evaluation.bench.from_nothing.run import run_from_nothing

        return run_from_nothing(arguments, settings)
    if arguments.launches:
        from mesh_reloc_evaluation.bench.launches import run_launches

        return run_launches(arguments, settings)
    from mesh_reloc_evaluation.bench.run import run_bench

    return run_bench(arguments, settings)
