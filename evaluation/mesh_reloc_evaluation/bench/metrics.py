"""Metrics of the methods' runs, and how they compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_evaluation.bench.methods import Run
from mesh_reloc_evaluation.trajectory_errors import pose_errors, summarize_errors
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.trajectory import Trajectory

RECALL_WITHIN_CM, RECALL_WITHIN_DEG = 1.0, 1.0

Metrics = dict[str, Any]


def errors_by_image(run: Run, truth: Trajectory | None) -> tuple[Array, Array]:
    """Return errors in cm [N] and degrees [N]; NaN for images without answer or true pose."""
    cm, degrees = np.full((2, len(run.stamps_ns)), np.nan)
    if truth is None:
        return cm, degrees
    known = np.isin(run.stamps_ns, truth.stamps_ns)
    answered = known & np.array([answer is not None for answer in run.answers])
    metres, degrees[answered] = pose_errors(run.trajectory, truth)
    cm[answered] = 100 * metres
    return cm, degrees


def summarize_run(run: Run, truth: Trajectory | None) -> Metrics:
    """Return the metrics of a run; errors and recall only if true poses are known.

    Recall counts all images with a true pose; errors are those of the answers.
    """
    images = len(run.stamps_ns)
    metrics: Metrics = {
        'images': images,
        'answers': sum(answer is not None for answer in run.answers),
        **percentiles('latency_ms', run.latencies_ms),
        'cpu_s_per_image': run.cost.cpu_s / images,
        'memory_mib': run.cost.memory_mib,
        'memory_since_start': run.cost.memory_since_start,
        'gpu_memory_mib': run.cost.gpu_memory_mib,
    }
    if run.between_ms:
        metrics.update(percentiles('between_ms', run.between_ms))
    if run.setup_s:
        metrics['setup_s'] = run.setup_s
    if truth is not None:
        cm, degrees = errors_by_image(run, truth)
        answered = np.isfinite(cm)
        metrics.update(summarize_errors(cm[answered] / 100, degrees[answered]))
        with_truth = int(np.isin(run.stamps_ns, truth.stamps_ns).sum())
        near = (cm[answered] <= RECALL_WITHIN_CM) & (degrees[answered] <= RECALL_WITHIN_DEG)
        metrics['recall'] = float(near.sum() / with_truth) if with_truth else None
    return metrics


def add_ratios(by_method: dict[str, Metrics]) -> None:
    """Add median latency and error of each method as multiples of those of `lm`."""
    reference = by_method.get('lm', {})
    for metrics in by_method.values():
        for name, key in (('time_ratio', 'latency_ms_p50'), ('error_ratio', 'median_cm')):
            if key in metrics and reference.get(key):
                metrics[name] = metrics[key] / reference[key]


def percentiles(name: str, values: list[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of values, as `<name>_p50` and so on."""
    return {f'{name}_p{p}': float(np.percentile(values, p)) for p in (50, 95, 99)}


def summarize_stages(run: Run) -> dict[str, dict[str, float]]:
    """Return p50 and p95 in ms of each stage of `lm`, and its share of the latency.

    `other` is the time outside all stages. `look ahead` runs after the answer; its share is
    relative to the latency, too.
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
