"""The command line of `mesh_reloc demo`."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.arguments import add_output_folder
from mesh_reloc_ros.errors import InputError

SUMMARY = 'make a sample recording, track it with the node over DDS, and report'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc demo`."""
    add_output_folder(parser, 'demo_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit status: 0 only if the tracking passed all checks.

    :raises InputError: ROS 2 is not available, or the output folder cannot be written.
    """
    try:
        # Imported here: other commands run without ROS.
        from mesh_reloc_evaluation.demo.run import run_demo
    except ImportError as error:
        raise InputError(
            f'the demo needs ROS 2 ({error}): source a ROS 2 installation, or use make demo'
        ) from error
    return run_demo(arguments.output)
