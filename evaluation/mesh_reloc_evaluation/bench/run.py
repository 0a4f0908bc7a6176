"""The benchmark from end to end: read, run the methods, sum up, print, write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from mesh_reloc_evaluation.bench import plot
from mesh_reloc_evaluation.bench.methods import METHODS, Run, run_adam, run_features, run_lm
from mesh_reloc_evaluation.bench.metrics import (
    add_ratios,
    errors_by_image,
    figures_of,
    stage_figures,
)
from mesh_reloc_evaluation.bench.residual_flow import residual_flow
from mesh_reloc_evaluation.bench.residual_flow_plot import draw_residual_flow
from mesh_reloc_evaluation.bench.scale import scale_figures
from mesh_reloc_evaluation.bench.scale_report import draw_scale, scale_tables
from mesh_reloc_evaluation.bench.table import methods_table, notes, stages_table
from mesh_reloc_evaluation.posed_sequence import Clip, read_clip
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.trajectory import Trajectory


def run_bench(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    chosen = _methods(arguments)
    output = arguments.output
    check_writable(output)
    use_one_core_per_operation()
    print(f'decoding the images of {arguments.bag}', flush=True)
    clip = read_clip(arguments)
    _check_keyframes(chosen, clip)
    print(f'loading {arguments.mesh}', flush=True)
    scene = Scene.load(
        arguments.mesh, settings.device, settings.rasterizer, show_progress(sys.stdout)
    )
    report = Report(output, 'bench.json')
    try:
        runs = _run(chosen, scene, settings, clip, arguments.adam_images)
        _report_methods(report, runs, clip.truth)
        if 'lm' in runs:
            _report_lm(report, runs['lm'], scene, clip, profile=arguments.profile)
        if arguments.scale:
            report.write()  # what there is by now, as the rest takes minutes
            report.content['scale'] = scale_figures(arguments.mesh, scene, settings, clip)
            for title, table in scale_tables(report.content['scale']):
                report.add(title, table)
            draw_scale(output / 'scale.png', report.content['scale'])
        report.write()
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    print(f'\nFigures and pictures are in {output}')
    return 0


def _methods(arguments: argparse.Namespace) -> list[str]:
    chosen = [name.strip() for name in arguments.methods.split(',') if name.strip()]
    unknown = [name for name in chosen if name not in METHODS]
    if unknown or not chosen:
        raise InputError(
            f'--methods {arguments.methods!r}: choose from {", ".join(METHODS)}, with commas'
            ' between them'
        )
    if arguments.adam_images < 1:
        raise InputError(f'--adam-images {arguments.adam_images}: give 1 or more')
    return [name for name in METHODS if name in chosen]


def _check_keyframes(chosen: list[str], clip: Clip) -> None:
    if clip.truth is None and 'lm' not in chosen:
        raise InputError(
            f'{chosen[0]} needs to know the way of the camera roughly: give --ground-truth, or have'
            ' lm among --methods'
        )


def _run(
    chosen: list[str], scene: Scene, settings: Settings, clip: Clip, adam_images: int
) -> dict[str, Run]:
    runs: dict[str, Run] = {}

    def known() -> Trajectory:
        """Return the way of the camera, by the truth or else by `lm`."""
        found = clip.truth or runs['lm'].trajectory
        return found if len(found) else Trajectory(clip.stamps_ns[:1], clip.start[None])

    methods: dict[str, Callable[[], Run]] = {
        'lm': lambda: run_lm(scene, settings, clip),
        'sift': lambda: run_features('sift', scene, clip, known()),
        'orb': lambda: run_features('orb', scene, clip, known()),
        'adam': lambda: run_adam(scene, settings, clip, known(), adam_images),
    }
    for name in chosen:
        runs[name] = methods[name]()
    return runs


def _report_methods(report: Report, runs: dict[str, Run], truth: Trajectory | None) -> None:
    figures = {name: figures_of(run, truth) for name, run in runs.items()}
    add_ratios(figures)
    report.content['methods'] = {
        name: {**figures[name], 'frames': _by_image(run, truth)} for name, run in runs.items()
    }
    lines = [*notes(figures, truth is not None), machine_line(report.content['machine'])]
    report.add('Methods', methods_table(figures), lines)
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


def _report_lm(report: Report, run: Run, scene: Scene, clip: Clip, *, profile: bool) -> None:
    if profile:
        stages = stage_figures(run)
        report.content['profile'] = stages
        report.add('Time by stage of lm', stages_table(stages))
        plot.draw_stages(report.folder / 'profile.png', stages)
    flow = residual_flow(scene, clip.frames, run.answers)
    if flow is not None:
        report.content['residual_flow'] = flow.figures()
        report.add('What remains between render and image', lines=[flow.line()])
        draw_residual_flow(report.folder / 'residual_flow.png', scene, flow)
