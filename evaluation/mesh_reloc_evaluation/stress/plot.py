"""The picture of a stress run: what was published, what was wrong, and how fast it recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from mesh_reloc_evaluation.reporting.picture import picture
from mesh_reloc_evaluation.stress.judge import SOON_S, Outcome
from mesh_reloc_evaluation.stress.metrics import Figures, by_strength, figures_of

_CLEAN, _FAULTY, _WRONG, _SLOW = '#2a7f62', '#9aa5b1', '#d1495b', '#e09f3e'


def draw_stress(path: Path, outcomes: list[Outcome]) -> None:
    """Write a row for each fault and strength: published shares, wrong poses, recoveries."""
    groups = by_strength(outcomes)
    figures = [figures_of(group) for group in groups.values()]
    with picture(path, 12.5, 1.2 + 0.2 * len(groups)) as figure:
        published, wrong, recovery = figure.subplots(
            1, 3, sharey=True, gridspec_kw={'width_ratios': (5, 2, 5)}
        )
        _draw_published(published, figures)
        _draw_wrong(wrong, figures)
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


def _draw_published(axes: Axes, figures: list[Figures]) -> None:
    for name, colour, label, shift in (
        ('clean', _CLEAN, 'clean images', -0.15),
        ('fault', _FAULTY, 'images with the fault', 0.15),
    ):
        rows = [row for row, of in enumerate(figures) if of[f'{name}_images']]
        shares = [figures[r][f'{name}_published'] / figures[r][f'{name}_images'] for r in rows]
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


def _draw_wrong(axes: Axes, figures: list[Figures]) -> None:
    counts = [of['wrong'] for of in figures]
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


def _draw_recoveries(axes: Axes, groups: list[list[Outcome]]) -> None:
    times = [o.recovery_s for g in groups for o in g if o.recovery_s is not None]
    never = 1.15 * max([SOON_S, *times])
    for row, group in enumerate(groups):
        recovering = [outcome for outcome in group if outcome.has_recovery]
        spread = row + np.linspace(-0.25, 0.25, len(recovering) + 2)[1:-1]
        for outcome, height in zip(recovering, spread, strict=True):
            if outcome.recovery_s is None:
                axes.plot(never, height, 'x', color=_WRONG, ms=6, clip_on=False)
            else:
                colour = _CLEAN if outcome.soon else _SLOW
                axes.plot(outcome.recovery_s, height, 'o', color=colour, ms=4, clip_on=False)
    axes.axvline(SOON_S, color='0.5', lw=1, ls='--')
    axes.set(
        xlim=(0, never),
        xlabel='s (x: never)',
        title='From the fault to a right pose\n',
    )
