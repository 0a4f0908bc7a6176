"""The study of the basin: read the input, run the trials, print, plot and write the metrics."""

from __future__ import annotations

import argparse
import sys

from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_posed_sequence
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.study.basin.metrics import (
    BOTH,
    RIGHT_DEG,
    RIGHT_SHARE,
    ROTATION,
    TRANSLATION,
    basin_table,
    notes,
    summarize,
)
from mesh_reloc_evaluation.study.basin.plot import draw_basin
from mesh_reloc_evaluation.study.basin.trials import run_trials, small_room_sequence
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.render.scene import Scene


def run_basin(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the study and return the exit status 0.

    :raises InputError: the mesh, the bag, the truth or the output is unusable.
    """
    check_writable(arguments.output)
    use_one_core_per_operation()
    scene, sequence = _read_input(arguments, settings)
    single = (arguments.trials + 1) // 2
    results = run_trials(
        scene,
        sequence,
        settings,
        lm=[(level, arguments.trials) for level in BOTH]
        + [(level, single) for level in (*ROTATION, *TRANSLATION)],
        adam=[(level, arguments.adam_trials) for level in BOTH],
        file=sys.stdout,
    )
    metrics = summarize(results)
    report = Report(arguments.output, 'basin.json')
    report.add(
        'Start poses from which the true pose is found', basin_table(metrics), notes(results)
    )
    report.content |= {
        'right_within': {'share_of_depth': RIGHT_SHARE, 'degrees': RIGHT_DEG},
        'levels': metrics,
        'ends': [result.as_json() for result in results],
    }
    report.write()
    draw_basin(arguments.output / 'basin.png', metrics)
    print(f'\nMetrics and plots are in {arguments.output}')
    return 0


def _read_input(arguments: argparse.Namespace, settings: Settings) -> tuple[Scene, PosedSequence]:
    """Read mesh and bag, or make images of the small room."""
    if not (arguments.mesh or recording_name(arguments) or arguments.ground_truth):
        return small_room_sequence(max(arguments.trials, arguments.adam_trials))
    if not (arguments.mesh and recording_name(arguments)):
        raise InputError('--mesh and a recording belong together: give both, or neither')
    sequence = read_posed_sequence(arguments)
    mesh = load_mesh(arguments.mesh)
    scene = Scene(mesh.about_zero(), settings.device, settings.rasterizer)
    return scene, sequence.about(mesh.origin)
