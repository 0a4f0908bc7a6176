"""Table and picture of how often the camera is found from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mesh_reloc_evaluation.bench.from_nothing.trials import Metrics
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_evaluation.trajectory_errors import WRONG_BEYOND_DEG, WRONG_BEYOND_M

_ANSWERS = {'found': 'found', 'published': 'tracked', 'with_start': 'with start'}
_COLOURS = {'found': '#3b7dd8', 'published': '#2a9d8f', 'with_start': '#b8c0cc'}
_WRONG = '#d1495b'
NOTES = [
    'found: single images, each searched for by itself; tracked: all images of the recording, from'
    ' nothing; with start: the same from the true pose of the first image. wrong: answers more than'
    f' {100 * WRONG_BEYOND_M:g} cm or {WRONG_BEYOND_DEG:g} deg off, of each of the three.',
    'covers: share of the image that the mesh covers, median. cm, % of distance: position errors of'
    ' answers from nothing; the distance is the median depth of the mesh in the image.',
    'In a site that has every place twice, one image cannot tell which is which: every answer is'
    ' wrong.',
]


def row_name(metrics: Metrics) -> str:
    """Return the name of a row."""
    return ', '.join(filter(None, (metrics['scene'], metrics['case'])))


def table(rows: Sequence[Metrics]) -> Table:
    """Return one row for each place of each case."""
    header = ['scene', 'covers', *_ANSWERS.values(), 'wrong', 'cm p50', 'max']
    header += ['% of distance p50', 'max', 'search s p50', 'max', 'prepare s']
    return Table(header, [_cells(row) for row in rows])


def _cells(row: Metrics) -> list[str]:
    answered = [row.get(name) for name in _ANSWERS]
    counts = ['-' if of is None else f'{of["answers"]}/{of["images"]}' for of in answered]
    wrong = ' '.join('-' if of is None else f'{of["wrong"]}' for of in answered)
    keys = ('cm_p50', 'cm_max', 'percent_p50', 'percent_max', 'query_s_p50', 'query_s_max')
    figures = [f'{row[key]:.2f}' if key in row else '-' for key in keys]
    return [
        row_name(row),
        f'{row["coverage"]:.0%}',
        *counts,
        wrong,
        *figures,
        f'{row["prepare_s"]:.0f}',
    ]


def draw(path: Path, rows: Sequence[Metrics]) -> None:
    """Plot the answered share of the images of each row as bars, wrong answers in red."""
    with plot_file(path, 8.5, 1.2 + 0.42 * len(rows)) as figure:
        axes = figure.subplots()
        for offset, (name, label) in zip((-0.27, 0.0, 0.27), _ANSWERS.items(), strict=True):
            known = [(place, row[name]) for place, row in enumerate(rows) if name in row]
            heights = [place + offset for place, _ in known]
            answered = [100 * of['answers'] / of['images'] for _, of in known]
            wrong = [100 * of['wrong'] / of['images'] for _, of in known]
            axes.barh(heights, answered, 0.25, color=_COLOURS[name], label=label)
            axes.barh(heights, wrong, 0.25, color=_WRONG)
        axes.barh([0], [0], color=_WRONG, label='wrong')
        axes.set_yticks(range(len(rows)), [row_name(row) for row in rows])
        axes.invert_yaxis()
        axes.margins(y=0.01)
        axes.set(xlim=(0, 100), xlabel='% of the images', title='Poses found from nothing')
        axes.grid(axis='x', alpha=0.25)
        axes.set_axisbelow(True)
        figure.legend(loc='outside lower center', ncols=4, frameon=False)
