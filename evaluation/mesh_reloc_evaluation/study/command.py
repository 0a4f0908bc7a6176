"""The command line of `mesh_reloc study`."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.study.basin import command as basin
from mesh_reloc_evaluation.study.consistency import command as consistency
from mesh_reloc_evaluation.study.trust import command as trust

SUMMARY = 'measure what the default settings are based on, on data with known truth'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the studies, each with its arguments."""
    studies = parser.add_subparsers(dest='study', required=True, metavar='STUDY')
    for name, module in (('basin', basin), ('consistency', consistency), ('trust', trust)):
        summary = module.SUMMARY
        study = studies.add_parser(
            name, help=summary, description=f'{summary[0].upper()}{summary[1:]}.'
        )
        module.add_arguments(study)
        study.set_defaults(run_study=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen study and return its exit status.

    :raises InputError: an argument, the input or the output is unusable.
    """
    return int(arguments.run_study(arguments))
