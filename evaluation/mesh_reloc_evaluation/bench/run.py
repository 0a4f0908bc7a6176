"""The benchmark: read the recording, run the methods, print, plot and write the metrics."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from mesh_reloc_evaluation.bench import plot
from mesh_reloc_evaluation.bench.methods import (
    METHODS,
    Pose,
    Run,
    run_adam,
    run_features,
    run_lm,
)
from mesh_reloc_evaluation.bench.metrics import (
    add_ratios,
    errors_by_image,
    summarize_run,
    summarize_stages,
)
from mesh_reloc_evaluation.bench.residual_flow import residual_flow
from mesh_reloc_evaluation.bench.residual_flow_plot import draw_residual_flow
from mesh_reloc_evaluation.bench.scale import measure_scale
from mesh_reloc_evaluation.bench.scale_report import draw_scale, scale_tables
from mesh_reloc_evaluation.bench.table import methods_table, notes, stages_table
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_sequence
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import pose_from_text, shifted
from mesh_reloc_ros.types.trajectory import Trajectory


def run_bench(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if not (arguments.mesh and recording_name(arguments)):
        raise InputError('give --mesh and --bag, --video or --images')
    chosen, output = _methods(arguments), arguments.output
    check_writable(output)
    use_one_core_per_operation()
    print(f'decoding the images of {recording_name(arguments)}', flush=True)
    sequence = read_sequence(arguments)
    start = start_pose(arguments.initial_pose, sequence)
    _check_path(chosen, sequence)
    print(f'loading {arguments.mesh}', flush=True)
    progress = show_progress(sys.stdout)
    mesh = load_mesh(arguments.mesh, progress)
    # Errors are the same about any origin.
    sequence, start = sequence.about(mesh.origin), shifted(start, -mesh.origin)
    scene = Scene(mesh.about_zero(), settings.device, settings.rasterizer, progress)
    report = Report(output, 'bench.json')
    try:
        runs = _run(chosen, scene, settings, sequence, start, arguments.adam_images)
        _report_methods(report, runs, sequence.truth)
        if 'lm' in runs:
            _report_lm(report, runs['lm'], scene, sequence, profile=arguments.profile)
        if arguments.scale:
            report.write()  # the results so far, as the rest takes minutes
            scale = measure_scale(arguments.mesh, scene, settings, sequence, start)
            report.content['scale'] = scale
            for title, table in scale_tables(scale):
                report.add(title, table)
            draw_scale(output / 'scale.png', scale)
        report.write()
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    print(f'\nMetrics and plots are in {output}')
    return 0


def _methods(arguments: argparse.Namespace) -> list[str]:
    chosen = [name.strip() for name in arguments.methods.split(',') if name.strip()]
    unknown = [name for name in chosen if name not in METHODS]
    if unknown or not chosen:
        raise InputError(
            f'--methods {arguments.methods!r}: choose from {", ".join(METHODS)}, separated by'
            ' commas'
        )
    if arguments.adam_images < 1:
        raise InputError(f'--adam-images {arguments.adam_images}: give 1 or more')
    return [name for name in METHODS if name in chosen]


def start_pose(given: str | None, sequence: PosedSequence) -> Pose:
    """Return map_T_camera [4, 4] of the first image: the given one, else its true pose."""
    if given is not None:
        return pose_from_text(given)
    if not np.isfinite(sequence.poses[0]).all():
        raise InputError(
            'no start pose: the true pose of the first image is unknown; give --initial-pose'
            ' "x y z qx qy qz qw", map_T_camera of that image'
        )
    return np.asarray(sequence.poses[0])


def _check_path(chosen: list[str], sequence: PosedSequence) -> None:
    if sequence.truth is None and 'lm' not in chosen:
        raise InputError(
            f"{chosen[0]} needs the camera's approximate path: give --ground-truth, or add lm to"
            ' --methods'
        )


def _run(
    chosen: list[str],
    scene: Scene,
    settings: Settings,
    sequence: PosedSequence,
    start: Pose,
    adam_images: int,
) -> dict[str, Run]:
    runs: dict[str, Run] = {}

    def path() -> Trajectory:
        """Return the path of the camera: the true one, else that of `lm`."""
        found = sequence.truth or runs['lm'].trajectory
        return found if len(found) else Trajectory(sequence.stamps_ns[:1], start[None])

    methods: dict[str, Callable[[], Run]] = {
        'lm': lambda: run_lm(scene, settings, sequence, start),
        'sift': lambda: run_features('sift', scene, sequence, start, path()),
        'orb': lambda: run_features('orb', scene, sequence, start, path()),
        'adam': lambda: run_adam(scene, settings, sequence, start, path(), adam_images),
    }
    for name in chosen:
        runs[name] = methods[name]()
    return runs


def _report_methods(report: Report, runs: dict[str, Run], truth: Trajectory | None) -> None:
    metrics = {name: summarize_run(run, truth) for name, run in runs.items()}
    add_ratios(metrics)
    report.content['methods'] = {
        name: {**metrics[name], 'frames': _by_image(run, truth)} for name, run in runs.items()
    }
    lines = [*notes(metrics, truth is not None), machine_line(report.content['machine'])]
    report.add('Methods', methods_table(metrics), lines)
    plot.draw_methods(report.folder / 'bench.png', list(runs.values()), truth)


def _by_image(run: Run, truth: Trajectory | None) -> list[dict[str, Any]]:
    cm, degrees = errors_by_image(run, truth)
    return [
        {
            'stamp': int(stamp_ns) / 1e9,
            'answered': answer is not None,
            'error_cm': _or_none(error_cm),
            'error_deg': _or_none(error_deg),
            'latency_ms': latency_ms,
            **({'between_ms': run.between_ms[i]} if run.between_ms else {}),
            **({'stages_ms': run.stages_ms[i]} if run.stages_ms else {}),
        }
        for i, (stamp_ns, answer, error_cm, error_deg, latency_ms) in enumerate(
            zip(run.stamps_ns, run.answers, cm, degrees, run.latencies_ms, strict=True)
        )
    ]


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _report_lm(
    report: Report, run: Run, scene: Scene, sequence: PosedSequence, *, profile: bool
) -> None:
    if profile:
        stages = summarize_stages(run)
        report.content['profile'] = stages
        report.add('Time by stage of lm', stages_table(stages))
        plot.draw_stages(report.folder / 'profile.png', stages)
    flow = residual_flow(scene, sequence.frames, run.answers)
    if flow is not None:
        report.content['residual_flow'] = flow.metrics()
        report.add('Residual flow between render and image', lines=[flow.line()])
        draw_residual_flow(report.folder / 'residual_flow.png', scene, flow)
