"""Results of the trials of the basin study, by method and level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from mesh_reloc_evaluation.reporting.table import Table

METHODS = LM, HINTED, ADAM = 'lm', 'lm with hint', 'adam'
# A result is right within this share of the median depth, and within this angle.
RIGHT_SHARE, RIGHT_DEG = 0.01, 1.0


class Level(NamedTuple):
    """How far a start pose is off the truth."""

    degrees: float
    percent: float
    """Of the median depth in the image."""

    def __str__(self) -> str:
        parts = (f'{self.degrees:g} deg', f'{self.percent:g} %')
        return ', '.join(p for p, value in zip(parts, self, strict=True) if value)


BOTH = tuple(
    Level(*of) for of in ((1, 1), (2, 2), (5, 5), (8, 8), (10, 10), (12, 15), (15, 20), (20, 30))
)
ROTATION = tuple(Level(degrees, 0) for degrees in (5, 10, 15, 20))
TRANSLATION = tuple(Level(0, percent) for percent in (5, 10, 20, 30))


@dataclass(frozen=True)
class TrialResult:
    """The pose that a method found from a start pose."""

    method: str
    level: Level
    share: float
    """Distance from the truth, relative to the median depth; infinite if no pose was found."""
    degrees: float
    accepted: bool
    """Whether its score is high enough for it to be used."""
    cpu_s: float
    """Processor time of all threads."""
    hint_s: float | None = None
    """The part of it that a search around the start pose took; None without a search."""

    @property
    def right(self) -> bool:
        """Whether it is the true pose."""
        return self.share <= RIGHT_SHARE and self.degrees <= RIGHT_DEG

    def as_json(self) -> dict[str, Any]:
        """Return what is written; infinity is None, as JSON has no infinity."""
        return {
            'method': self.method,
            'start': self.level._asdict(),
            'share': self.share if np.isfinite(self.share) else None,
            'degrees': self.degrees if np.isfinite(self.degrees) else None,
            'accepted': self.accepted,
            'right': self.right,
            'cpu_s': self.cpu_s,
            'hint_s': self.hint_s,
        }


def summarize(results: Sequence[TrialResult]) -> list[dict[str, Any]]:
    """Return the share of right results for every method and level.

    Its 95 % interval is the exact one of C. J. Clopper and E. S. Pearson, Biometrika 26, 1934.
    """
    groups: dict[tuple[str, Level], list[TrialResult]] = {}
    for result in results:
        groups.setdefault((result.method, result.level), []).append(result)
    metrics = []
    for (method, level), group in groups.items():
        right = sum(result.right for result in group)
        interval = binomtest(right, len(group)).proportion_ci(0.95, method='exact')
        metrics.append(
            {
                'method': method,
                **level._asdict(),
                'trials': len(group),
                'right': right,
                'share': right / len(group),
                'low': float(interval.low),
                'high': float(interval.high),
                'wrong_accepted': sum(result.accepted and not result.right for result in group),
                'median_cpu_s': float(np.median([result.cpu_s for result in group])),
            }
        )
    return metrics


def basin_table(metrics: Sequence[dict[str, Any]]) -> Table:
    """Return one row per level, with the methods side by side."""
    by_level: dict[Level, dict[str, dict[str, Any]]] = {}
    for of in metrics:
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


def notes(results: Sequence[TrialResult]) -> list[str]:
    """Return how to read the table, and what a search around a start pose costs."""
    right = [100 * r.share for r in results if r.right and r.method != ADAM]
    wrong = [100 * r.share for r in results if not r.right and r.method == LM]
    hints = [r.hint_s for r in results if r.method == HINTED and r.hint_s is not None]
    lines = [
        f'right: within {100 * RIGHT_SHARE:g} % of the median depth and {RIGHT_DEG:g} deg of the'
        ' truth; s: processor time of all threads'
    ]
    if right and wrong:
        lines.append(
            f'{LM} and {HINTED}: right poses are at most {max(right):.2g} % off, wrong poses of'
            f' {LM} at least {min(wrong):.2g} %'
        )
    if hints:
        lines.append(
            f'searches around a start pose: {len(hints)}, median {np.median(hints):.2f} s, maximum'
            f' {max(hints):.2f} s'
        )
    return lines
