"""Tables of the measurements."""

from __future__ import annotations

from collections.abc import Sequence

from mesh_reloc_evaluation.gpu_run.benchmark import Row
from mesh_reloc_evaluation.reporting.table import Table

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


def _cell(value: object) -> str:
    if value is None:
        return '-'
    if isinstance(value, float):
        return f'{value:.3g}' if abs(value) < 100 else f'{value:,.0f}'
    return f'{value:,}' if isinstance(value, int) else str(value)
