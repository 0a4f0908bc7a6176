"""Tables of the measurements."""

from __future__ import annotations

from collections.abc import Sequence

from mesh_reloc_evaluation.gpu_run.benchmark import Row
from mesh_reloc_evaluation.reporting.table import Table

# For the kitchen at 640x480.
_MOST_MS, _LEAST_RATE = 4.0, 250.0
_COST = {
    'latency_ms_p50': 'ms p50',
    'latency_ms_p95': 'p95',
    'between_ms_p50': 'ahead p50',
    'between_ms_p95': 'p95',
    'images_per_s': 'images/s',
    'gpu_memory_mib': 'GPU MiB',
    'memory_mib': 'MiB',
    'median_cm': 'cm p50',
    'median_deg': 'deg p50',
    'answers': 'poses',
    'images': 'of',
}


def cost_table(rows: Sequence[Row], *keys: str) -> Table:
    """Return the cost of each row; `keys` are the columns that tell rows apart."""
    header = [*keys, *_COST.values()]
    return Table(header, [[*(_cell(row.get(key)) for key in (*keys, *_COST))] for row in rows])


def stage_table(rows: Sequence[Row]) -> Table:
    """Return the median time of each stage by mode, in ms."""
    names = list(dict.fromkeys(name for row in rows for name in row['stages']))
    return Table(
        ['stage', *(row['mode'] for row in rows)],
        [
            [name, *(_cell(row['stages'].get(name, {}).get('p50')) for row in rows)]
            for name in names
        ],
    )


def graph_table(rows: Sequence[Row]) -> Table:
    """Return the median time of each kind of graph by mode, in ms."""
    names = sorted({name for row in rows for name in row['graphs_ms']})
    return Table(
        ['graph', *(row['mode'] for row in rows)],
        [[name, *(_cell(row['graphs_ms'].get(name)) for row in rows)] for name in names],
    )


def comparison_table(rows: Sequence[Row]) -> Table:
    """Return times and errors beside those of the other method."""
    keys = ('mode', 'images', 'steps', 'latency_ms_p50', 'ratio', 'median_cm', 'median_deg')
    header = ('method', 'images', 'steps', 'ms p50', 'times faster', 'cm p50', 'deg p50')
    return Table(header, [[_cell(row.get(key)) for key in keys] for row in rows])


def target_table(rows: Sequence[Row]) -> Table:
    """Return whether the faster mode with a GPU is as fast as is aimed at."""
    best = min(_with_gpu(rows), key=lambda row: row['latency_ms_p50'])
    targets = [
        (f'ms p50, at most {_MOST_MS}', 'latency_ms_p50', best['latency_ms_p50'] <= _MOST_MS),
        (f'images/s, at least {_LEAST_RATE}', 'images_per_s', best['images_per_s'] >= _LEAST_RATE),
    ]
    return Table(
        ['target', best['mode'], 'met'],
        [[name, _cell(best[key]), _met(is_met)] for name, key, is_met in targets],
    )


def never_slower_table(rows: Sequence[Row]) -> Table:
    """Return whether the faster mode with a GPU is faster than the CPU, by number of faces."""
    cells = []
    for faces in dict.fromkeys(row['faces'] for row in rows):
        own = [row for row in rows if row['faces'] == faces]
        (cpu_ms,) = (row['latency_ms_p50'] for row in own if row['mode'] == 'cpu')
        gpu_ms = min(row['latency_ms_p50'] for row in _with_gpu(own))
        cells.append([_cell(faces), _cell(cpu_ms), _cell(gpu_ms), _met(gpu_ms <= cpu_ms)])
    return Table(['faces', 'cpu ms p50', 'with GPU', 'met'], cells)


def _with_gpu(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row['mode'] != 'cpu']


def _met(is_met: bool) -> str:
    return 'yes' if is_met else 'no'


def _cell(value: object) -> str:
    if value is None:
        return '-'
    if isinstance(value, float):
        return f'{value:.3g}' if abs(value) < 100 else f'{value:,.0f}'
    return f'{value:,}' if isinstance(value, int) else str(value)
