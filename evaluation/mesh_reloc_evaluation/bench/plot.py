"""Plots of a benchmark: latency and errors by method, time by stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from mesh_reloc_evaluation.bench.methods import Run
from mesh_reloc_evaluation.bench.metrics import RECALL_WITHIN_CM, errors_by_image
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.trajectory import Trajectory

COLOURS = {'lm': '#d1495b', 'sift': '#1d3557', 'orb': '#2a7f62', 'adam': '#e09f3e'}


# Below this number of values, each is drawn.
_FEW = 20
# Logarithmic axes over a smaller ratio have ticks at 1, 2 and 5, others at powers of ten.
_FEW_DECADES = 300


def draw_methods(path: Path, runs: list[Run], truth: Trajectory | None) -> None:
    """Write the distributions of latency and error, and the errors over time."""
    errors = [(run, *errors_by_image(run, truth)) for run in runs]
    with plot_file(path, 12.5, 6.6) as figure:
        grid = figure.add_gridspec(2, 3)
        _draw_latencies(figure.add_subplot(grid[0, 0]), runs)
        for column, unit in ((1, 'cm'), (2, 'deg')):
            axes = figure.add_subplot(grid[0, column])
            _draw_shares(axes, [(run, e[column - 1]) for run, *e in errors], unit)
        _draw_over_time(figure.add_subplot(grid[1, :]), [(run, cm) for run, cm, _ in errors])


def _draw_latencies(axes: Axes, runs: list[Run]) -> None:
    rng = np.random.default_rng(0)
    for row, run in enumerate(runs):
        colour, values = COLOURS[run.method], np.array(run.latencies_ms)
        spread = row + rng.uniform(-0.25, 0.25, len(values))
        few = len(values) < _FEW
        size, alpha = (7, 0.9) if few else (4, 0.35)
        axes.plot(values, spread, '.', color=colour, ms=size, alpha=alpha, mew=0)
        median, p95 = np.percentile(values, (50, 95))
        axes.plot([median, median], [row - 0.36, row + 0.36], color=colour, lw=2.5)
        axes.plot([p95, p95], [row - 0.3, row + 0.3], color=colour, lw=1.2, ls=':')
        axes.annotate(
            f'{median:,.0f} ms' if median >= 100 else f'{median:.1f} ms',
            (median, row - 0.36),
            (0, 2),
            textcoords='offset points',
            ha='center',
            color=colour,
        )
    axes.set(
        xscale='log',
        xlabel='ms',
        title='Latency by image (line: median, dotted: p95)',
        yticks=range(len(runs)),
        yticklabels=[run.method for run in runs],
        ylim=(len(runs) - 0.5, -0.9),
    )
    axes.margins(x=0.12)
    _number_log_axis(axes)
    axes.grid(axis='x', which='both', alpha=0.2)


def _draw_shares(axes: Axes, errors: list[tuple[Run, Array]], unit: str) -> None:
    """Draw the share of images that a method answers within an error."""
    for run, values in errors:
        known = np.sort(values[np.isfinite(values)])
        if not len(known):
            continue
        shares = np.arange(1, len(known) + 1) / len(values)
        axes.step(known, shares, where='post', color=COLOURS[run.method], label=run.method)
        if len(known) < _FEW:
            axes.plot(known, shares, 'o', ms=4, color=COLOURS[run.method])
    axes.set(xscale='log', xlabel=unit, ylim=(0, 1.02), title=f'Share of images within [{unit}]')
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1))
    limits = [
        float(np.nanpercentile(values, 95)) for _, values in errors if np.isfinite(values).any()
    ]
    axes.set_xlim(right=2 * max(limits, default=1.0))
    _number_log_axis(axes)
    if unit == 'cm':
        axes.axvline(RECALL_WITHIN_CM, color='0.5', lw=1, ls='--')
    axes.grid(which='both', alpha=0.2)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, loc='upper left')


def _number_log_axis(axes: Axes) -> None:
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high < _FEW_DECADES * low else (1.0,)
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f'{value:,g}'))
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def _draw_over_time(axes: Axes, errors: list[tuple[Run, Array]]) -> None:
    begin = min(int(run.stamps_ns[0]) for run, _ in errors)
    largest = 1e-3
    for run, cm in errors:
        if not np.isfinite(cm).any():
            continue
        form = 'o' if run.method == 'adam' else '-'
        seconds = (run.stamps_ns - begin) / 1e9
        axes.plot(seconds, cm, form, color=COLOURS[run.method], lw=1.3, label=run.method, zorder=3)
        largest = max(largest, 1.5 * float(np.nanpercentile(cm, 95)))
    axes.set(
        xlabel='time [s]',
        ylabel='position error [cm]',
        title='Error over time (gaps: no answer)',
        ylim=(0, largest),
    )
    axes.margins(x=0.01)
    axes.grid(alpha=0.25)


def draw_stages(path: Path, stages: dict[str, dict[str, float]]) -> None:
    """Write the time of each stage of `lm`."""
    with plot_file(path, 7.0, 0.9 + 0.34 * len(stages)) as figure:
        axes = figure.subplots()
        names = list(stages)
        rows = np.arange(len(names))
        medians = np.array([stages[name]['p50'] for name in names])
        p95s = np.array([stages[name]['p95'] for name in names])
        colours = ['#9aa5b1' if name == 'look ahead' else COLOURS['lm'] for name in names]
        axes.barh(rows, medians, color=colours, height=0.6)
        axes.hlines(rows, medians, np.maximum(p95s, medians), color='0.3', lw=1.2)
        for row, name in enumerate(names):
            right = max(medians[row], p95s[row])
            label = f'{medians[row]:.2f} ms, {stages[name]["share"]:.0%}'
            axes.annotate(
                label, (right, row), (4, 0), textcoords='offset points', va='center', fontsize=8
            )
        axes.set(
            yticks=rows,
            yticklabels=[
                'look ahead\n(after the answer)' if n == 'look ahead' else n for n in names
            ],
            xlabel='ms (bar: median, line: to p95); share of the time until the answer',
        )
        axes.invert_yaxis()
        axes.margins(x=0.25)
        axes.set_xlim(left=0)
