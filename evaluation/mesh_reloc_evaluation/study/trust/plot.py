"""Histograms of the quality criteria of right and wrong poses, with the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_evaluation.study.trust.metrics import TrialResult
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
    """To continue tracking, and for a first pose if that differs."""
    logarithmic: bool = False


def draw_trust(path: Path, results: Sequence[TrialResult], settings: TrackingSettings) -> None:
    """Plot one histogram per criterion."""
    panels = _panels(settings)
    rows = -(-len(panels) // _COLUMNS)
    with plot_file(path, 3.2 * _COLUMNS, 2.6 * rows + 0.4) as figure:
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel, results)
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
            Line2D([], [], color='black', ls='-', label='threshold for a first pose'),
            Line2D([], [], color='black', ls='--', label='threshold to continue tracking'),
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
            'realignment: distance [m]',
            1e-4,
            10,
            (s.max_realignment_distance,),
            True,
        ),
        _Panel(
            'realignment_angle',
            'realignment: angle [rad]',
            1e-5,
            3,
            (s.max_realignment_angle,),
            True,
        ),
        _Panel('focal_error', 'error of the focal length', 0, 0.15, (s.max_focal_error,)),
    ]


def _draw(axes: Axes, panel: _Panel, results: Sequence[TrialResult]) -> None:
    if panel.logarithmic:
        edges = np.geomspace(panel.low, panel.high, _BINS + 1)
        axes.set_xscale('log')
    else:
        edges = np.linspace(panel.low, panel.high, _BINS + 1)
    for colour, chosen in _groups(results):
        values = np.array([result.quality[panel.name] for result in chosen])
        if len(values):
            # Values beyond an end, and NaN, are counted in the last bin there.
            values = np.nan_to_num(values, nan=panel.high).clip(edges[0], edges[-1])
            share = np.full(len(values), 100 / len(values))
            axes.hist(values, bins=edges.tolist(), weights=share, color=colour, alpha=0.6)
    styles = ('--', '-') if len(panel.thresholds) > 1 else ('-',)
    for threshold, style in zip(panel.thresholds, styles, strict=True):
        axes.axvline(threshold, color='black', lw=1.1, ls=style)
    axes.set(xlabel=panel.label, ylabel='share [%]', xlim=(panel.low, panel.high))


def _groups(results: Sequence[TrialResult]) -> list[tuple[str, list[TrialResult]]]:
    """Return alignments with wrong pose, wrong focal length and right pose, with colours."""
    focal = [result for result in results if result.has_wrong_focal_length]
    others = [result for result in results if not result.has_wrong_focal_length]
    return [
        (_WRONG, [result for result in others if not result.right]),
        (_FOCAL, focal),
        (_RIGHT, [result for result in others if result.right]),
    ]
