"""Plot of a stress run: published shares, wrong poses, recovery times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.stress.case_result import SOON_S, CaseResult
from mesh_reloc_evaluation.stress.metrics import Metrics, by_strength, summarize

_CLEAN, _FAULTY, _WRONG, _SLOW = '#2a7f62', '#9aa5b1', '#d1495b', '#e09f3e'


def draw_stress(path: Path, results: list[CaseResult]) -> None:
    """Write one row per fault and strength."""
    groups = by_strength(results)
    metrics = [summarize(group) for group in groups.values()]
    with plot_file(path, 12.5, 1.2 + 0.2 * len(groups)) as figure:
        published, wrong, recovery = figure.subplots(
            1, 3, sharey=True, gridspec_kw={'width_ratios': (5, 2, 5)}
        )
        _draw_published(published, metrics)
        _draw_wrong(wrong, metrics)
        _draw_recoveries(recovery, list(groups.values()))
        names = list(groups)
        published.set_yticks(
            range(len(names)),
            [
                f'{fault}  {strength}' if not row or names[row - 1][0] != fault else strength
                for row, (fault, strength) in enumerate(names)
            ],
            fontsize=8,
        )
        for axes in (published, wrong, recovery):
            axes.set_ylim(len(names) - 0.4, -0.6)
            for row in range(1, len(names)):
                if names[row][0] != names[row - 1][0]:
                    axes.axhline(row - 0.5, color='0.85', lw=0.8, zorder=0)


def _draw_published(axes: Axes, metrics: list[Metrics]) -> None:
    for name, colour, label, shift in (
        ('clean', _CLEAN, 'clean images', -0.15),
        ('fault', _FAULTY, 'images with the fault', 0.15),
    ):
        rows = [row for row, of in enumerate(metrics) if of[f'{name}_images']]
        shares = [metrics[r][f'{name}_published'] / metrics[r][f'{name}_images'] for r in rows]
        heights = [row + shift for row in rows]
        axes.barh(heights, shares, color=colour, height=0.3, label=label)
    axes.axvline(0.95, color='0.5', lw=1, ls='--')
    axes.set(xlim=(0, 1.0), title='Share of images with a published pose\n')
    axes.xaxis.set_major_formatter(ticker.PercentFormatter(1))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles,
        labels,
        frameon=False,
        loc='lower center',
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        fontsize=8,
        borderaxespad=0.1,
    )


def _draw_wrong(axes: Axes, metrics: list[Metrics]) -> None:
    counts = [of['wrong'] for of in metrics]
    axes.barh(range(len(counts)), counts, color=_WRONG, height=0.7)
    for row, count in enumerate(counts):
        if count:
            axes.annotate(
                str(count),
                (count, row),
                (3, 0),
                textcoords='offset points',
                va='center',
                color=_WRONG,
            )
    axes.set(xlim=(0, max(max(counts) * 1.25, 1)), title=f'Wrong poses: {sum(counts)}\n')
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))


def _draw_recoveries(axes: Axes, groups: list[list[CaseResult]]) -> None:
    times = [o.recovery_s for g in groups for o in g if o.recovery_s is not None]
    never = 1.15 * max([SOON_S, *times])
    for row, group in enumerate(groups):
        recovering = [result for result in group if result.has_recovery]
        spread = row + np.linspace(-0.25, 0.25, len(recovering) + 2)[1:-1]
        for result, height in zip(recovering, spread, strict=True):
            if result.recovery_s is None:
                axes.plot(never, height, 'x', color=_WRONG, ms=6, clip_on=False)
            else:
                colour = _CLEAN if result.soon else _SLOW
                axes.plot(result.recovery_s, height, 'o', color=colour, ms=4, clip_on=False)
    axes.axvline(SOON_S, color='0.5', lw=1, ls='--')
    axes.set(
        xlim=(0, never),
        xlabel='s (x: never)',
        title='Time from the fault to a right pose\n',
    )
