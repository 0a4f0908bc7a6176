"""Plot of the basin study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.study.basin.metrics import (
    ADAM,
    BOTH,
    HINTED,
    LM,
    METHODS,
    ROTATION,
    TRANSLATION,
    Level,
)

_STYLES = {LM: ('#1d3557', 's'), HINTED: ('#1b7f5c', 'o'), ADAM: ('#c8502d', '^')}
_LABELS = {
    LM: 'lm: one coarse-to-fine alignment',
    HINTED: 'lm with hint: then a search around the start pose',
    ADAM: 'adam: on an image about 160 pixels wide',
}
# Required share with a search, in percent.
_REQUIRED = 95


def draw_basin(path: Path, metrics: Sequence[dict[str, Any]]) -> None:
    """Plot the share of right poses over the start error, with its 95 % interval, per method."""
    with plot_file(path, 12.5, 4.6) as figure:
        grid = figure.add_gridspec(1, 3, width_ratios=(1.7, 1, 1))
        both, rotation, translation = (figure.add_subplot(grid[0, i]) for i in range(3))
        _draw(
            both,
            'Rotation and translation',
            metrics,
            BOTH,
            lambda level: f'{level.degrees:g}°\n{level.percent:g} %',
        )
        _draw(rotation, 'Rotation only', metrics, ROTATION, lambda level: f'{level.degrees:g}°')
        _draw(
            translation,
            'Translation only',
            metrics,
            TRANSLATION,
            lambda level: f'{level.percent:g} %',
        )
        both.set(
            xlabel='start off by: angle, and share of the median depth',
            ylabel='true pose found [%]',
        )
        rotation.set(xlabel='start off by: angle')
        translation.set(xlabel='start off by: share of the median depth')
        handles, labels = both.get_legend_handles_labels()
        figure.legend(handles, labels, loc='outside lower center', ncols=3, frameon=False)


def _draw(
    axes: Axes,
    title: str,
    metrics: Sequence[dict[str, Any]],
    levels: Sequence[Level],
    label: Callable[[Level], str],
) -> None:
    trials: list[str] = []
    for number, method in enumerate(METHODS):
        some = [
            (levels.index(level), of)
            for of in metrics
            if of['method'] == method and (level := Level(of['degrees'], of['percent'])) in levels
        ]
        if not some:
            continue
        place = np.array([index for index, _ in some]) + 0.06 * (number - 1)
        share, low, high = (100 * np.array([of[k] for _, of in some]) for k in _SHARES)
        colour, mark = _STYLES[method]
        trials.append(f'{method}: {some[0][1]["trials"]}')
        axes.errorbar(
            place,
            share,
            yerr=np.stack((share - low, high - share)).clip(min=0),
            color=colour,
            marker=mark,
            ms=5,
            lw=1.6,
            elinewidth=1,
            capsize=2.5,
            label=_LABELS[method],
        )
    axes.set_title(f'{title}\n(start poses per level: {", ".join(trials)})')
    axes.axhline(_REQUIRED, color='0.5', lw=1, ls=':')
    axes.set(xticks=range(len(levels)), xticklabels=list(map(label, levels)), ylim=(-3, 103))
    axes.grid(axis='y', alpha=0.2)


_SHARES = ('share', 'low', 'high')
