"""Plot of the consistency study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.study.consistency.metrics import AXES

_COLOUR, _BAND = '#1d3557', '#2a7f62'
_MARKS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*', '<', '>')


def draw_consistency(path: Path, metrics: dict[str, dict[str, Any]]) -> None:
    """Plot the NEES per noise with the band of its mean, and errors over predicted sigmas."""
    with plot_file(path, 12.5, 5.6) as figure:
        grid = figure.add_gridspec(1, 3, width_ratios=(1.5, 1, 1))
        _draw_nees(figure.add_subplot(grid[0, 0]), metrics)
        _draw_axes(figure.add_subplot(grid[0, 1]), metrics, slice(0, 3), 'mm')
        axes = figure.add_subplot(grid[0, 2])
        _draw_axes(axes, metrics, slice(3, 6), 'mrad')
        _add_legend(figure, axes)


def _draw_nees(axes: Axes, metrics: dict[str, dict[str, Any]]) -> None:
    rng = np.random.default_rng(0)
    for row, of in enumerate(metrics.values()):
        values = np.array(of['nees'])
        axes.plot(
            values, row + rng.uniform(-0.26, 0.26, len(values)), '.', color='0.6', ms=4, mew=0
        )
        low, high = of['band']
        axes.fill_betweenx([row - 0.38, row + 0.38], low, high, color=_BAND, alpha=0.3, lw=0)
        axes.plot([of['mean_nees']] * 2, [row - 0.38, row + 0.38], color=_COLOUR, lw=2.5)
        label = f'{of["mean_nees"]:.2f}'
        axes.annotate(
            label,
            (1.0, row),
            (-4, 0),
            xycoords=('axes fraction', 'data'),
            textcoords='offset points',
            ha='right',
            va='center',
            color=_COLOUR,
        )
    limit = float(chi2.ppf(0.95, 6))
    axes.axvline(limit, color='0.4', lw=1, ls=':')
    axes.set(
        yticks=range(len(metrics)),
        yticklabels=list(metrics),
        xlabel='NEES (dots: images; line: mean; green: 95 % band of the mean; dotted: 95 % of'
        ' images)',
        title='Errors relative to the covariance, all six axes',
        xlim=(0, 30),
        ylim=(len(metrics) - 0.5, -0.5),
    )


def _draw_axes(axes: Axes, metrics: dict[str, dict[str, Any]], part: slice, unit: str) -> None:
    """Plot errors over predicted sigmas, as root mean squares by axis and noise."""
    limits = []
    for number, (name, of) in enumerate(metrics.items()):
        sigma, error = (1e3 * np.array(of[f'{kind}_rms'][part]) for kind in ('sigma', 'error'))
        mark = _MARKS[number % len(_MARKS)]
        axes.plot(sigma, error, mark, label=name, ms=6, alpha=0.8, color=f'C{number % 10}', mew=0)
        limits += [*sigma, *error]
    low, high = 0.7 * min(limits), 1.4 * max(limits)
    axes.plot([low, high], [low, high], color='0.4', lw=1)
    names = ', '.join(AXES[part])
    axes.set(
        xscale='log',
        yscale='log',
        xlim=(low, high),
        ylim=(low, high),
        aspect='equal',
        xlabel=f'predicted sigma [{unit}]',
        ylabel=f'error, rms [{unit}]',
        title=f'{names} [{unit}]',
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f'{value:g}'))
        axis.set_minor_locator(ticker.NullLocator())
    axes.grid(alpha=0.2)


def _add_legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=len(handles), frameon=False)
