"""`mesh_reloc params`: all parameters, as a parameter file or as a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mesh_reloc_ros.config.documentation import parameter_file, parameter_table
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import write_text_atomically

SUMMARY = 'print all parameters with their defaults'
_FORMATS = {'yaml': parameter_file, 'markdown': parameter_table}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc params`."""
    parser.add_argument(
        '--format',
        choices=tuple(_FORMATS),
        default='yaml',
        help='yaml: a ROS 2 parameter file; markdown: a table (default: %(default)s)',
    )
    parser.add_argument(
        '--output', type=Path, metavar='FILE', help='file to write to (default: stdout)'
    )


def run(arguments: argparse.Namespace) -> int:
    """Print or write the parameters.

    :raises InputError: the file cannot be written.
    """
    text = _FORMATS[arguments.format]()
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        write_text_atomically(arguments.output, text)
    except OSError as error:
        raise InputError(f'output cannot be written: {error}') from error
    return 0
