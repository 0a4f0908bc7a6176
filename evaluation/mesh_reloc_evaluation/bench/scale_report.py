"""Tables and plot of how time and memory grow with mesh and image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from mesh_reloc_evaluation.bench.plot import COLOURS
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.reporting.table import Table

_BETWEEN = '#9aa5b1'
_COST = ('ms p50', 'p95', 'between p50', 'CPU s', 'MiB', 'cm p50', 'p90', 'answers')


def scale_tables(scale: dict[str, Any]) -> list[tuple[str, Table]]:
    """Return titles and tables: by number of faces, and by image size."""
    first = scale['faces'][0]['latency_ms_p50']
    by_faces = Table(
        ['faces', 'load s', 'times the first', *_COST],
        [
            [
                f'{row["faces"]:,}',
                f'{row["load_s"]:.1f}',
                f'{row["latency_ms_p50"] / first:.2f}',
                *_cost(row),
            ]
            for row in scale['faces']
        ],
    )
    by_size = Table(
        ['image', *_COST],
        [[f'{row["width"]}x{row["height"]}', *_cost(row)] for row in scale['sizes']],
    )
    return [('lm by size of the mesh', by_faces), ('lm by size of the image', by_size)]


def _cost(row: dict[str, Any]) -> list[str]:
    return [
        f'{row["latency_ms_p50"]:.1f}',
        f'{row["latency_ms_p95"]:.1f}',
        f'{row["between_ms_p50"]:.1f}',
        f'{row["cpu_s_per_image"]:.3f}',
        f'{row["memory_mib"]:.0f}',
        *(f'{row[key]:.2f}' if key in row else '-' for key in ('median_cm', 'p90_cm')),
        f'{row["answers"]}/{row["images"]}',
    ]


def draw_scale(path: Path, scale: dict[str, Any]) -> None:
    """Plot latency, load time and error by number of faces, and latency by image size."""
    with plot_file(path, 12.5, 6.2) as figure:
        (top_left, top_right), (bottom_left, bottom_right) = figure.subplots(2, 2)
        faces, sizes = scale['faces'], scale['sizes']
        counts = [row['faces'] for row in faces]
        _draw_latency(top_left, counts, faces)
        top_left.set_title('Time per image, by faces of the mesh')
        _label_faces(top_left, counts)
        bottom_left.plot(counts, [row['load_s'] for row in faces], 'o-', color=COLOURS['sift'])
        for count, row in zip(counts, faces, strict=True):
            bottom_left.annotate(
                f'{row["load_s"]:.1f} s',
                (count, row['load_s']),
                (0, 6),
                textcoords='offset points',
                ha='center',
            )
        bottom_left.set(ylabel='s', title='Time to load the mesh')
        bottom_left.margins(y=0.2)
        bottom_left.set_ylim(bottom=0)
        _label_faces(bottom_left, counts)
        pixels = [row['width'] * row['height'] for row in sizes]
        names = [f'{row["width"]}x\n{row["height"]}' for row in sizes]
        _draw_latency(top_right, pixels, sizes)
        top_right.set(title='Time per image, by image size', xticks=pixels, xticklabels=names)
        _draw_errors(bottom_right, faces, sizes)


def _draw_latency(axes: Axes, places: Sequence[int], rows: list[dict[str, Any]]) -> None:
    median = [row['latency_ms_p50'] for row in rows]
    p95 = [row['latency_ms_p95'] for row in rows]
    between = [row['between_ms_p50'] for row in rows]
    axes.fill_between(places, median, p95, color=COLOURS['lm'], alpha=0.15, lw=0, label='to p95')
    axes.plot(places, median, 'o-', color=COLOURS['lm'], label='latency, median')
    axes.plot(places, between, 's--', color=_BETWEEN, ms=4, label='between images, median')
    for place, value in zip(places, median, strict=True):
        axes.annotate(
            f'{value:.1f}', (place, value), (0, 6), textcoords='offset points', ha='center'
        )
    axes.set(ylabel='ms')
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc='upper left')


def _label_faces(axes: Axes, counts: Sequence[int]) -> None:
    axes.set(xscale='log', xlabel='faces')
    axes.set_xticks(counts, [_short(count) for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.25)


def _short(count: int) -> str:
    return f'{count / 1e6:.3g}M' if count >= 10**6 else f'{count / 1e3:.3g}k'


def _draw_errors(axes: Axes, faces: list[dict[str, Any]], sizes: list[dict[str, Any]]) -> None:
    names = [f'{_short(row["faces"])}\nfaces' for row in faces]
    names += [f'{row["width"]}x\n{row["height"]}' for row in sizes]
    rows = [*faces, *sizes]
    places = [place + (place >= len(faces)) * 0.6 for place in range(len(rows))]
    if 'median_cm' in rows[0]:
        for key, label, alpha in (('p90_cm', 'p90', 0.35), ('median_cm', 'median', 1.0)):
            values = [row.get(key, float('nan')) for row in rows]
            axes.bar(places, values, color=COLOURS['orb'], alpha=alpha, label=label)
        axes.legend(frameon=False, loc='upper left', ncols=2)
    axes.set(title='Position error', ylabel='cm', xticks=places, xticklabels=names)
    axes.margins(y=0.2)
