"""The study of consistency: run the trials, print, plot and write the metrics."""

from __future__ import annotations

import argparse
import sys

from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.study.consistency.metrics import consistency_table, notes, summarize
from mesh_reloc_evaluation.study.consistency.plot import draw_consistency
from mesh_reloc_evaluation.study.consistency.trials import NOISES, read_viewpoints, run_trials
from mesh_reloc_ros.process import use_one_core_per_operation


def run_consistency(arguments: argparse.Namespace) -> int:
    """Run the study and return the exit status 0.

    :raises InputError: the mesh, the poses or the output is unusable.
    """
    check_writable(arguments.output)
    use_one_core_per_operation()
    viewpoints = read_viewpoints(arguments)
    report = Report(arguments.output, 'consistency.json')
    count, scale = arguments.trials, arguments.map_error_scale
    metrics = {}
    for noise in NOISES:
        print(f'{noise.name}: {noise.about}', flush=True)
        trials = run_trials(viewpoints, noise, count, scale, file=sys.stdout)
        metrics[noise.name] = summarize(trials.errors, trials.covariances)
    report.content |= {'map_error_scale': scale, 'noises': metrics}
    report.add('Consistency', consistency_table(metrics), notes(count))
    report.write()
    draw_consistency(arguments.output / 'consistency.png', metrics)
    print(f'\nMetrics and plots are in {arguments.output}')
    return 0
