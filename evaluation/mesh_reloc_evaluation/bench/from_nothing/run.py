"""The benchmark from nothing: read the scenes, run the cases, print, plot and write the metrics."""

from __future__ import annotations

import argparse

from mesh_reloc_evaluation.bench.from_nothing import report as results
from mesh_reloc_evaluation.bench.from_nothing.cases import CASES, chosen_cases
from mesh_reloc_evaluation.bench.from_nothing.scenes import read_places
from mesh_reloc_evaluation.bench.from_nothing.trials import Metrics, measure
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import use_one_core_per_operation


def run_from_nothing(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the cases and return the exit status 0.

    :raises InputError: an argument, a scene or the output is unusable.
    """
    kinds = _kinds(arguments.cases)
    if arguments.count < 1:
        raise InputError(f'--count {arguments.count}: give 1 or more')
    check_writable(arguments.output)
    use_one_core_per_operation()
    places = read_places(arguments)
    report = Report(arguments.output, 'from_nothing.json')
    rows: list[Metrics] = []
    report.content['rows'] = rows
    try:
        for case in chosen_cases(places, kinds, arguments.count):
            for row in measure(case, settings, arguments.count):
                rows.append(row)
                print(f'{results.row_name(row)}: {_summary(row)}', flush=True)
                report.write()  # the results so far, as the rest takes minutes
        lines = [*results.NOTES, machine_line(report.content['machine'])]
        report.add('Found from nothing', results.table(rows), lines)
        report.write()
        results.draw(arguments.output / 'from_nothing.png', rows)
    except OSError as error:
        raise InputError(f'output {arguments.output} cannot be written: {error}') from error
    print(f'\nMetrics and plots are in {arguments.output}')
    return 0


def _kinds(text: str) -> list[str]:
    chosen = [name.strip() for name in text.split(',') if name.strip()]
    if not chosen or not set(chosen) <= set(CASES):
        raise InputError(f'--cases {text!r}: choose from {", ".join(CASES)}, separated by commas')
    return [name for name in CASES if name in chosen]


def _summary(row: Metrics) -> str:
    found = row['found']
    return f'{found["answers"]} of {found["images"]} found, {found["wrong"]} wrong'
