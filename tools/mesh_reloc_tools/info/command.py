"""`mesh_reloc info`: what is in files, and what would go wrong with them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path

from mesh_reloc_ros.progress import show_progress, silent
from mesh_reloc_tools.info.findings import Finding, Findings, Level

SUMMARY = 'say what is in meshes, bags, videos, images and calibrations, and what is wrong with it'
_UNUSABLE = 2
_SIGNS = {Level.FACT: ' ', Level.NOTE: '!', Level.PROBLEM: 'x'}
# Bold, yellow and red, on terminals.
_COLOURS = {Level.NOTE: '33', Level.PROBLEM: '31'}
_BOLD = '1'
_NAME_WIDTH = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc info`."""
    parser.epilog = (
        'Lines with ! say what is unusual, lines with x what prevents the use. Exit status: 0 if'
        ' all can be used, 2 if not.'
    )
    parser.add_argument(
        'paths',
        type=Path,
        nargs='+',
        metavar='PATH',
        help='mesh, bag, video, folder of images, or calibration (camera.yaml, cameras.txt)',
    )
    parser.add_argument('--json', action='store_true', help='print JSON, for programs')


def run(arguments: argparse.Namespace) -> int:
    """Print what is found, and return the exit status: 0 usable, 2 not."""
    # Imported here: the libraries that read meshes take a second, which --help does not need.
    from mesh_reloc_tools.info.inspect import inspect

    progress = show_progress(sys.stderr) if sys.stderr.isatty() else silent
    found = inspect(arguments.paths, progress)
    if arguments.json:
        print(json.dumps([each.as_json() for each in found], indent=1))
    else:
        print('\n\n'.join(_text(each) for each in found))
    return 0 if all(each.is_usable for each in found) else _UNUSABLE


def _text(found: Findings) -> str:
    verdict = 'usable' if found.is_usable else 'not usable'
    lines = [_coloured(f'{found.kind} {found.path}: {verdict}', _BOLD)]
    previous = ''
    for line in found.lines:
        lines.append(_line(line, '' if line.name == previous else line.name))
        previous = line.name
    return '\n'.join(lines)


def _line(line: Finding, name: str) -> str:
    """Return a finding as a line; a long name has a line of its own."""
    indent = ' ' * (_NAME_WIDTH + 5)
    text = line.text
    if sys.stdout.isatty() and line.name != 'try':  # commands are copied
        width = max(os.get_terminal_size(sys.stdout.fileno()).columns, 60)
        text = textwrap.fill(
            text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        ).strip()
    if len(name) > _NAME_WIDTH:
        name += f'\n   {" " * _NAME_WIDTH}'
    text = f' {_SIGNS[line.level]} {name:{_NAME_WIDTH}}  {text}'
    return _coloured(text, _COLOURS[line.level]) if line.level in _COLOURS else text


def _coloured(text: str, colour: str) -> str:
    if not sys.stdout.isatty() or 'NO_COLOR' in os.environ:
        return text
    return f'\033[{colour}m{text}\033[0m'
