"""The study of trust: run the trials, print, plot and write the metrics."""

from __future__ import annotations

import argparse
import sys

from mesh_reloc_evaluation.out_of_map.images import OutOfMapImages
from mesh_reloc_evaluation.posed_sequence import read_posed_sequence
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.study.trust.evaluator import TrialEvaluator
from mesh_reloc_evaluation.study.trust.metrics import notes, trust_table
from mesh_reloc_evaluation.study.trust.plot import draw_trust
from mesh_reloc_evaluation.study.trust.trials import make_trials
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.render.scene import Scene


def run_trust(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the study and return the exit status 0.

    :raises InputError: the mesh, the bag, the truth or the output is unusable.
    """
    check_writable(arguments.output)
    use_one_core_per_operation()
    sequence = read_posed_sequence(arguments)
    mesh = load_mesh(arguments.mesh)
    scene = Scene(mesh.about_zero(), settings.device, settings.rasterizer)
    sequence = sequence.about(mesh.origin)
    out_of_map = OutOfMapImages(sequence.camera, scene.mesh)
    trials = list(
        make_trials(sequence, arguments.count, lambda number: out_of_map.image(number)[1])
    )
    evaluator = TrialEvaluator(scene, settings)
    shown = progress_bar(trials, 'trust', sys.stdout, unit='alignment')
    results = [evaluator.evaluate(trial) for trial in shown]
    report = Report(arguments.output, 'trust.json')
    report.add('Alignments that pass, by kind', trust_table(results), notes(results))
    report.content['outcomes'] = [result.as_json() for result in results]
    report.write()
    draw_trust(arguments.output / 'trust.png', results, settings.tracking)
    print(f'\nMetrics and plots are in {arguments.output}')
    return 0
