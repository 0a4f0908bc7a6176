"""Runs of methods summed up in numbers, and compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.bench.methods import Run
from mesh_reloc_ros.types.trajectory import Trajectory, pose_errors, summarize

RECALL_WITHIN_CM, RECALL_WITHIN_DEG = 1.0, 1.0

Array = NDArray[np.float64]


def errors_by_image(run: Run, truth: Trajectory | None) -> tuple[Array, Array]:
    """Return errors in cm [N] and degrees [N] of the images that a method got.

    Not a number where there is no answer, or no truth.
    """
    cm, degrees = np.full((2, len(run.stamps_ns)), np.nan)
    if truth is None:
        return cm, degrees
    known = np.isin(run.stamps_ns, truth.stamps_ns)
    answered = known & np.array([answer is not None for answer in run.answers])
    metres, degrees[answered] = pose_errors(run.trajectory, truth)
    cm[answered] = 100 * metres
    return cm, degrees


def figures_of(run: Run, truth: Trajectory | None) -> dict[str, Any]:
    """Sum a run up; figures that need the truth are left out without it.

    Recall is over all images whose truth is known; errors are those of the answers.
    """
    images = len(run.stamps_ns)
    figures: dict[str, Any] = {
        'images': images,
        'answers': sum(answer is not None for answer in run.answers),
        **percentiles('latency_ms', run.latencies_ms),
        'cpu_s_per_image': run.cost.cpu_s / images,
        'memory_mib': run.cost.memory_mib,
        'memory_since_start': run.cost.memory_since_start,
        'gpu_memory_mib': run.cost.gpu_memory_mib,
    }
    if run.between_ms:
        figures.update(percentiles('between_ms', run.between_ms))
    if run.setup_s:
        figures['setup_s'] = run.setup_s
    if truth is not None:
        cm, degrees = errors_by_image(run, truth)
        answered = np.isfinite(cm)
        figures.update(summarize(cm[answered] / 100, degrees[answered]))
        with_truth = int(np.isin(run.stamps_ns, truth.stamps_ns).sum())
        near = (cm[answered] <= RECALL_WITHIN_CM) & (degrees[answered] <= RECALL_WITHIN_DEG)
        figures['recall'] = float(near.sum() / with_truth) if with_truth else None
    return figures


def add_ratios(figures: dict[str, dict[str, Any]]) -> None:
    """Add to each method its median latency and error as multiples of those of `lm`."""
    reference = figures.get('lm', {})
    for of_method in figures.values():
        for name, key in (('time_ratio', 'latency_ms_p50'), ('error_ratio', 'median_cm')):
            if key in of_method and reference.get(key):
                of_method[name] = of_method[key] / reference[key]


def percentiles(name: str, values: list[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of values, under the name with these suffixes."""
    return {f'{name}_p{p}': float(np.percentile(values, p)) for p in (50, 95, 99)}


def stage_figures(run: Run) -> dict[str, dict[str, float]]:
    """Return p50 and p95 in ms of each stage of `lm`, and its share of the time until the answer.

    `other` is what no stage covers. `look ahead` comes after the answer: its share is against the
    same time.
    """
    names = dict.fromkeys(name for stages in run.stages_ms for name in stages if name != 'total')
    times = {name: np.array([stages.get(name, 0.0) for stages in run.stages_ms]) for name in names}
    latency = np.array(run.latencies_ms)
    times['other'] = latency - sum(times.values(), np.zeros(len(latency)))
    times['look ahead'] = np.array(run.between_ms)
    return {
        name: {
            'p50': float(np.percentile(values, 50)),
            'p95': float(np.percentile(values, 95)),
            'share': float(values.sum() / latency.sum()),
        }
        for name, values in times.items()
    }
