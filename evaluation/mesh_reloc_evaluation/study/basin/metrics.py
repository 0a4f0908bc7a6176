"""What came of the trials of the study of the basin: by method and level, as table and lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from mesh_reloc_evaluation.reporting.table import Table

METHODS = LM, HINTED, ADAM = 'lm', 'lm with hint', 'adam'
# An alignment has found the truth if it ends within this share of the median depth, and degrees.
RIGHT_SHARE, RIGHT_DEG = 0.01, 1.0


class Level(NamedTuple):
    """How far a start is off the truth."""

    degrees: float
    percent: float
    """Of the median depth of what the image shows."""

    def __str__(self) -> str:
        parts = (f'{self.degrees:g} deg', f'{self.percent:g} %')
        return ', '.join(p for p, value in zip(parts, self, strict=True) if value)


BOTH = tuple(
    Level(*of) for of in ((1, 1), (2, 2), (5, 5), (8, 8), (10, 10), (12, 15), (15, 20), (20, 30))
)
ROTATION = tuple(Level(degrees, 0) for degrees in (5, 10, 15, 20))
TRANSLATION = tuple(Level(0, percent) for percent in (5, 10, 20, 30))


@dataclass(frozen=True)
class End:
    """Where a method ended."""

    method: str
    level: Level
    share: float
    """Distance from the truth, relative to the median depth; infinite where nothing was found."""
    degrees: float
    accepted: bool
    """Whether it reaches the bar, so that it would be believed."""
    cpu_s: float
    """Processor time, of all threads together."""
    hint_s: float | None = None
    """That part of it that the search around the hint took, if there was one."""

    @property
    def right(self) -> bool:
        """Whether it has found the truth."""
        return self.share <= RIGHT_SHARE and self.degrees <= RIGHT_DEG


def basin_figures(ends: Sequence[End]) -> list[dict[str, Any]]:
    """Return, for every method and level, the share of starts that led to the truth.

    Its 95 % interval is the exact one of C. J. Clopper and E. S. Pearson, Biometrika 26, 1934.
    """
    groups: dict[tuple[str, Level], list[End]] = {}
    for end in ends:
        groups.setdefault((end.method, end.level), []).append(end)
    figures = []
    for (method, level), some in groups.items():
        right = sum(end.right for end in some)
        interval = binomtest(right, len(some)).proportion_ci(0.95, method='exact')
        figures.append(
            {
                'method': method,
                **level._asdict(),
                'trials': len(some),
                'right': right,
                'share': right / len(some),
                'low': float(interval.low),
                'high': float(interval.high),
                'wrong_accepted': sum(end.accepted and not end.right for end in some),
                'median_cpu_s': float(np.median([end.cpu_s for end in some])),
            }
        )
    return figures


def table_of(figures: Sequence[dict[str, Any]]) -> Table:
    """Return one row for each level, with the methods side by side."""
    by_level: dict[Level, dict[str, dict[str, Any]]] = {}
    for of in figures:
        by_level.setdefault(Level(of['degrees'], of['percent']), {})[of['method']] = of
    header = ['start off by']
    for method in METHODS:
        header += [method, 'of', 'wrong accepted', 'median s']
    rows = [
        [str(level), *(cell for method in METHODS for cell in _cells(row.get(method)))]
        for level, row in by_level.items()
    ]
    return Table(header, rows)


def _cells(of: dict[str, Any] | None) -> list[str]:
    if of is None:
        return ['-'] * 4
    share = f'{of["share"]:.0%}'
    return [share, str(of['trials']), str(of['wrong_accepted']), f'{of["median_cpu_s"]:.2f}']


def lines_of(ends: Sequence[End]) -> list[str]:
    """Return what the figures mean, and what a search around a hint takes."""
    right = [100 * end.share for end in ends if end.right and end.method != ADAM]
    wrong = [100 * end.share for end in ends if not end.right and end.method == LM]
    hints = [end.hint_s for end in ends if end.method == HINTED and end.hint_s is not None]
    lines = [
        f'the truth is found by ends within {100 * RIGHT_SHARE:g} % of the median depth and'
        f' {RIGHT_DEG:g} deg; times are of the processor, all threads together'
    ]
    if right and wrong:
        lines.append(
            f'{LM} and {HINTED}: right ends are at most {max(right):.2g} % off, the wrong ones of'
            f' {LM} at least {min(wrong):.2g} %'
        )
    if hints:
        lines.append(
            f'searches around a hint: {len(hints)}, median {np.median(hints):.2f} s, at most'
            f' {max(hints):.2f} s'
        )
    return lines


def as_json(end: End) -> dict[str, Any]:
    """Return an end as JSON has it, which knows no infinity."""
    return {
        'method': end.method,
        'start': end.level._asdict(),
        'share': end.share if np.isfinite(end.share) else None,
        'degrees': end.degrees if np.isfinite(end.degrees) else None,
        'accepted': end.accepted,
        'right': end.right,
        'cpu_s': end.cpu_s,
        'hint_s': end.hint_s,
    }
