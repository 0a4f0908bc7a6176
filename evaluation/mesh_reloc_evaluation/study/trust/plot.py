"""The picture of the signs of right and of wrong poses, with the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mesh_reloc_evaluation.reporting.picture import picture
from mesh_reloc_evaluation.study.trust.trials import Outcome
from mesh_reloc_ros.config.tracking import TrackingSettings

_RIGHT, _WRONG, _FOCAL = '#1b7f5c', '#c8502d', '#7a6fb0'
_BINS = 40
_COLUMNS = 4


@dataclass(frozen=True)
class _Panel:
    name: str
    label: str
    low: float
    high: float
    thresholds: tuple[float, ...]
    """To go on, and to begin trust where that differs."""
    logarithmic: bool = False


def draw_trust(path: Path, outcomes: Sequence[Outcome], settings: TrackingSettings) -> None:
    """Write one histogram for each sign."""
    panels = _panels(settings)
    rows = -(-len(panels) // _COLUMNS)
    with picture(path, 3.2 * _COLUMNS, 2.6 * rows + 0.4) as figure:
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel, outcomes)
        for axes in grid.flat[len(panels) :]:
            axes.axis('off')
        handles: list[Any] = [
            Patch(color=colour, alpha=0.6, label=label)
            for colour, label in (
                (_RIGHT, 'right pose'),
                (_WRONG, 'wrong pose'),
                (_FOCAL, 'wrong focal length'),
            )
        ]
        handles += [
            Line2D([], [], color='black', ls='-', label='threshold to begin trust'),
            Line2D([], [], color='black', ls='--', label='threshold to go on'),
        ]
        figure.legend(handles=handles, loc='outside upper center', ncols=len(handles))


def _panels(settings: TrackingSettings) -> list[_Panel]:
    s = settings
    return [
        _Panel('score', 'score', -0.6, 1, (s.min_score, s.acquisition_min_score)),
        _Panel(
            'inlier_ratio',
            'inlier ratio',
            0,
            1,
            (s.min_inlier_ratio, s.acquisition_min_inlier_ratio),
        ),
        _Panel('coverage', 'coverage', 0, 1, (s.min_coverage,)),
        _Panel('position_sigma', 'position sigma [m]', 1e-4, 10, (s.max_position_sigma,), True),
        _Panel('rotation_sigma', 'rotation sigma [rad]', 1e-5, 3, (s.max_rotation_sigma,), True),
        _Panel(
            'realignment_distance',
            'second look: distance [m]',
            1e-4,
            10,
            (s.max_realignment_distance,),
            True,
        ),
        _Panel(
            'realignment_angle',
            'second look: angle [rad]',
            1e-5,
            3,
            (s.max_realignment_angle,),
            True,
        ),
        _Panel('focal_error', 'error of the focal length', 0, 0.15, (s.max_focal_error,)),
    ]


def _draw(axes: Axes, panel: _Panel, outcomes: Sequence[Outcome]) -> None:
    if panel.logarithmic:
        edges = np.geomspace(panel.low, panel.high, _BINS + 1)
        axes.set_xscale('log')
    else:
        edges = np.linspace(panel.low, panel.high, _BINS + 1)
    for colour, chosen in _groups(outcomes):
        values = np.array([outcome.signs[panel.name] for outcome in chosen])
        if len(values):
            # What is beyond either end, or is no number, belongs to that end's bin.
            values = np.nan_to_num(values, nan=panel.high).clip(edges[0], edges[-1])
            share = np.full(len(values), 100 / len(values))
            axes.hist(values, bins=edges.tolist(), weights=share, color=colour, alpha=0.6)
    styles = ('--', '-') if len(panel.thresholds) > 1 else ('-',)
    for threshold, style in zip(panel.thresholds, styles, strict=True):
        axes.axvline(threshold, color='black', lw=1.1, ls=style)
    axes.set(xlabel=panel.label, ylabel='share [%]', xlim=(panel.low, panel.high))


def _groups(outcomes: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Return the alignments by what is wrong with them, with a colour each."""
    told = [outcome for outcome in outcomes if not outcome.kind.startswith('focal')]
    return [
        (_WRONG, [outcome for outcome in told if not outcome.right]),
        (_FOCAL, [outcome for outcome in outcomes if outcome.kind.startswith('focal')]),
        (_RIGHT, [outcome for outcome in told if outcome.right]),
    ]
