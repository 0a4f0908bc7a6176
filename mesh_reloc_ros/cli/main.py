"""The command `mesh_reloc` and its subcommands."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from mesh_reloc_ros.bench import command as bench
from mesh_reloc_ros.cli import track
from mesh_reloc_ros.demo import command as demo
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.stress import command as stress
from mesh_reloc_ros.study import command as study


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}; see {self.prog} --help\n')


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand and return the exit status: 0 done, 2 unusable arguments or input."""
    parser = _Parser(prog='mesh_reloc', description='Where is the camera in the textured mesh?')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, module, summary in (
        ('track', track, 'track the camera of a bag through a mesh'),
        ('demo', demo, 'make a sample, track it through the node over DDS, and report'),
        ('bench', bench, 'compare accuracy and cost with other methods on the images of a bag'),
        ('stress', stress, 'put the images of a bag through faults: what is published, and wrong'),
        ('study', study, 'measure what the settings rest on, on data with known truth'),
    ):
        command = commands.add_parser(
            name, help=summary, description=f'{summary[0].upper()}{summary[1:]}.'
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except InputError as error:
        print(f'mesh_reloc {parsed.command}: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f'mesh_reloc {parsed.command}: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
