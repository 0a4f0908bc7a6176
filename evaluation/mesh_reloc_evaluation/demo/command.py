"""The command line of `mesh_reloc demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mesh_reloc_ros.errors import InputError

SUMMARY = 'make a sample, track it through the node over DDS, and report'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the demo."""
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('demo_output'),
        metavar='DIR',
        help='folder for the sample and the results (default: %(default)s)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit status: 0 only if the tracking was right.

    :raises InputError: there is no ROS 2, or the output folder cannot be written.
    """
    try:
        # Imported here, as other commands must do without ROS.
        from mesh_reloc_evaluation.demo.run import run_demo
    except ImportError as error:
        raise InputError(
            f'the demo needs ROS 2 ({error}): source a ROS 2 installation, or use make demo'
        ) from error
    return run_demo(arguments.output)
