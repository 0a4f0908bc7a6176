"""The command `mesh_reloc` and its subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import entry_points
from typing import NoReturn, Protocol

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.installation import missing, version

COMMANDS_GROUP = 'mesh_reloc.commands'
"""Entry points of this group, each a `Command`, are subcommands that other packages add."""
_FOLDERS = {
    **dict.fromkeys(('calibrate', 'info', 'prepare', 'view'), 'tools'),
    **dict.fromkeys(('bench', 'demo', 'stress', 'study'), 'evaluation'),
}
"""In which folder of the repository the package with a command is."""


class Command(Protocol):
    """A module that is a subcommand."""

    SUMMARY: str
    """What it does, in one line."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Run, and return the exit status.

        :raises InputError: an argument or an input cannot be used.
        """
        ...


class _Parser(argparse.ArgumentParser):
    """Reports unusable arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}; see {self.prog} --help\n')


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand and return the exit status: 0 done, 2 unusable arguments or input."""
    parser = _Parser(
        prog='mesh_reloc', description='Camera localization (6 DoF) in a textured mesh.'
    )
    parser.add_argument('--version', action='version', version=f'mesh_reloc_ros {version()}')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    try:
        commands = _commands()
    except ModuleNotFoundError as error:
        parser.exit(2, f'mesh_reloc: {missing(error)}\n')
    first = next(iter(sys.argv[1:] if arguments is None else arguments), '')
    if first in _FOLDERS and first not in commands:
        folder = _FOLDERS[first]
        parser.error(
            f'{first} is a command of mesh_reloc_{folder}, which is not installed: in a checkout of'
            f' the repository, run make setup or pip install -e {folder}'
        )
    for name, module in commands.items():
        summary = module.SUMMARY
        command = subparsers.add_parser(
            name, help=summary, description=f'{summary[0].upper()}{summary[1:]}.'
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        status = int(parsed.run(parsed))
        sys.stdout.flush()
        return status
    except InputError as error:
        print(f'mesh_reloc {parsed.command}: {error}', file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Who reads the output has seen enough, as `head`; nothing is left to be written at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f'mesh_reloc {parsed.command}: interrupted', file=sys.stderr)
        return 130


def _commands() -> dict[str, Command]:
    """Return the subcommands by name: the package's own, then those of other packages."""
    # Imported here, as packages may be missing.
    from mesh_reloc_ros.cli import compile, params, track

    added = {entry.name: entry.load() for entry in entry_points(group=COMMANDS_GROUP)}
    return {'track': track, 'params': params, 'compile': compile, **added}


if __name__ == '__main__':
    sys.exit(main())
