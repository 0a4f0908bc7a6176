"""The tables of a benchmark, and what their reader should know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesh_reloc_evaluation.bench.metrics import RECALL_WITHIN_CM, RECALL_WITHIN_DEG
from mesh_reloc_evaluation.reporting.table import Table

Figures = dict[str, Any]


def _number(key: str, form: str = '{:.2f}') -> Callable[[Figures], str]:
    return lambda figures: '-' if figures.get(key) is None else form.format(figures[key])


def _memory(figures: Figures) -> str:
    text = f'{figures["memory_mib"]:.0f}'
    gpu = figures.get('gpu_memory_mib')
    return text if gpu is None else f'{text} + {gpu:.0f}'


_COLUMNS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ('answers', lambda figures: f'{figures["answers"]}/{figures["images"]}'),
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


def methods_table(methods: dict[str, Figures]) -> Table:
    """Return one row for each method."""
    return Table(
        ['method', *(name for name, _ in _COLUMNS)],
        [[name, *(cell(of) for _, cell in _COLUMNS)] for name, of in methods.items()],
    )


def notes(methods: dict[str, Figures], has_truth: bool) -> list[str]:
    """Return what the table's reader should know, a line each."""
    lines = [
        'cm, deg: position and rotation errors of the answers'
        f' (recall: within {RECALL_WITHIN_CM:g} cm and {RECALL_WITHIN_DEG:g} deg, over all images;'
        ' wrong: more than 10 cm or 5 deg off).'
        if has_truth
        else 'There is no truth to compare with, so there are no errors: give --ground-truth.',
        'ms: from having the image to having its pose; CPU s: processor seconds an image, all'
        ' threads; time/lm and error/lm: medians as multiples of those of lm.',
        'All methods ran in one process on the same images, which were decoded before.',
        _memory_note(methods),
    ]
    for name, figures in methods.items():
        if 'between_ms_p50' in figures:
            lines.append(
                f'{name}: between images, after the answer, it prepares for the next:'
                f' {figures["between_ms_p50"]:.1f} ms (p50), {figures["between_ms_p95"]:.1f} ms'
                ' (p95); CPU s has this in it.'
            )
        if 'setup_s' in figures:
            lines.append(
                f'{name}: its keyframes took {figures["setup_s"]:.1f} s to render and describe.'
            )
    return lines


def _memory_note(methods: dict[str, Figures]) -> str:
    gpu = any(figures.get('gpu_memory_mib') is not None for figures in methods.values())
    added = ' + of torch on the GPU' if gpu else ''
    if any(figures['memory_since_start'] for figures in methods.values()):
        return f'MiB: peak memory of the process since it began{added}: this system tells no more.'
    return f'MiB: peak memory of the whole process, the images in it, while the method ran{added}.'


def stages_table(stages: dict[str, dict[str, float]]) -> Table:
    """Return one row for each stage of `lm`."""
    return Table(
        ['stage', 'ms p50', 'p95', 'share'],
        [
            [name, f'{of["p50"]:.2f}', f'{of["p95"]:.2f}', f'{of["share"]:.0%}']
            for name, of in stages.items()
        ],
    )
