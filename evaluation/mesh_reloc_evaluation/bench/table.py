"""The tables of a benchmark, with notes on how to read them."""

from __future__ import annotations

from collections.abc import Callable

from mesh_reloc_evaluation.bench.metrics import RECALL_WITHIN_CM, RECALL_WITHIN_DEG, Metrics
from mesh_reloc_evaluation.reporting.table import Table


def _number(key: str, form: str = '{:.2f}') -> Callable[[Metrics], str]:
    return lambda metrics: '-' if metrics.get(key) is None else form.format(metrics[key])


def _memory(metrics: Metrics) -> str:
    text = f'{metrics["memory_mib"]:.0f}'
    gpu = metrics.get('gpu_memory_mib')
    return text if gpu is None else f'{text} + {gpu:.0f}'


_COLUMNS: tuple[tuple[str, Callable[[Metrics], str]], ...] = (
    ('answers', lambda metrics: f'{metrics["answers"]}/{metrics["images"]}'),
    ('cm p50', _number('median_cm')),
    ('p90', _number('p90_cm')),
    ('max', _number('max_cm')),
    ('deg p50', _number('median_deg')),
    ('p90', _number('p90_deg')),
    ('max', _number('max_deg')),
    ('recall', _number('recall', '{:.0%}')),
    ('wrong', _number('wrong', '{}')),
    ('ms p50', _number('latency_ms_p50', '{:.1f}')),
    ('p95', _number('latency_ms_p95', '{:.1f}')),
    ('p99', _number('latency_ms_p99', '{:.1f}')),
    ('CPU s', _number('cpu_s_per_image', '{:.3f}')),
    ('MiB', _memory),
    ('time/lm', _number('time_ratio', '{:.3g}')),
    ('error/lm', _number('error_ratio', '{:.2f}')),
)


def methods_table(methods: dict[str, Metrics]) -> Table:
    """Return one row for each method."""
    return Table(
        ['method', *(name for name, _ in _COLUMNS)],
        [[name, *(cell(of) for _, cell in _COLUMNS)] for name, of in methods.items()],
    )


def notes(methods: dict[str, Metrics], has_truth: bool) -> list[str]:
    """Return notes on the table, one line each."""
    lines = [
        'cm, deg: position and rotation errors of the answers'
        f' (recall: within {RECALL_WITHIN_CM:g} cm and {RECALL_WITHIN_DEG:g} deg, over all images;'
        ' wrong: more than 10 cm or 5 deg off).'
        if has_truth
        else 'No true poses, so no errors: give --ground-truth.',
        'ms: from the decoded image to its pose; CPU s: processor seconds per image, all threads;'
        ' time/lm and error/lm: medians as multiples of those of lm.',
        'All methods ran in one process on the same images, decoded beforehand.',
        _memory_note(methods),
    ]
    for name, metrics in methods.items():
        if 'between_ms_p50' in metrics:
            lines.append(
                f'{name}: after each answer it prepares for the next image, which takes'
                f' {metrics["between_ms_p50"]:.1f} ms (p50), {metrics["between_ms_p95"]:.1f} ms'
                ' (p95) and is included in CPU s.'
            )
        if 'setup_s' in metrics:
            lines.append(
                f'{name}: rendering and describing its keyframes took {metrics["setup_s"]:.1f} s.'
            )
    return lines


def _memory_note(methods: dict[str, Metrics]) -> str:
    gpu = any(metrics.get('gpu_memory_mib') is not None for metrics in methods.values())
    added = ' + peak memory of torch on the GPU' if gpu else ''
    if any(metrics['memory_since_start'] for metrics in methods.values()):
        return f'MiB: peak memory since the process started{added}: this system cannot reset it.'
    return f'MiB: peak memory of the process while the method ran, with all images{added}.'


def stages_table(stages: dict[str, dict[str, float]]) -> Table:
    """Return one row for each stage of `lm`."""
    return Table(
        ['stage', 'ms p50', 'p95', 'share'],
        [
            [name, f'{of["p50"]:.2f}', f'{of["p95"]:.2f}', f'{of["share"]:.0%}']
            for name, of in stages.items()
        ],
    )
