"""Results of the trust study: which alignments pass which check."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.reporting.table import Table


@dataclass(frozen=True)
class TrialResult:
    """Quality of an alignment, and the checks that it passes."""

    kind: str
    right: bool
    """Whether the pose is the true one."""
    quality: dict[str, float]
    """Of `AlignmentQuality`, the realignment and the focal length: metres, radians, shares."""
    tracks: bool
    """Whether the quality is good enough to continue tracking."""
    acquires: bool
    """Whether the quality is good enough for a first pose."""
    confirmed: bool
    """Whether, in addition, the realignment ends at the same pose."""
    trusted: bool
    """Whether, in addition, the intrinsics fit."""

    @property
    def has_wrong_focal_length(self) -> bool:
        """Whether the camera of the trial is wrong."""
        return self.kind.startswith('focal')

    def as_json(self) -> dict[str, Any]:
        """Return what is written; values that are not finite are None, as JSON has none."""
        quality = {
            name: value if np.isfinite(value) else None for name, value in self.quality.items()
        }
        return {**dataclasses.asdict(self), 'quality': quality}


def trust_table(results: list[TrialResult]) -> Table:
    """Return how many alignments pass each check, by kind, right and wrong poses apart."""
    kinds: list[str | None] = [*dict.fromkeys(result.kind for result in results), None]
    rows = []
    for kind in kinds:
        for right in (True, False):
            group = [r for r in results if r.right is right and kind in (r.kind, None)]
            if group or kind is None:
                rows.append([kind or 'all', 'right' if right else 'wrong', *_counts(group)])
    header = ['image and start', 'pose', 'alignments', 'tracks', 'acquires']
    return Table([*header, 'realignment agrees', 'trusted'], rows)


def _counts(results: list[TrialResult]) -> list[str]:
    checks = ('tracks', 'acquires', 'confirmed', 'trusted')
    passed = [sum(getattr(result, check) for result in results) for check in checks]
    return [str(number) for number in (len(results), *passed)]


def notes(results: list[TrialResult]) -> list[str]:
    """Return how far right and wrong poses are apart in the main criteria."""
    lines = []
    for name, title in (('score', 'score'), ('inlier_ratio', 'inlier ratio')):
        right = _finite([r.quality[name] for r in results if r.right])
        wrong = _finite(
            [r.quality[name] for r in results if not r.right and not r.has_wrong_focal_length]
        )
        if len(right) and len(wrong):
            lines.append(
                f'{title}: right poses at least {right.min():.2f} (5th percentile'
                f' {np.percentile(right, 5):.2f}), wrong poses at most {wrong.max():.2f} (95th'
                f' percentile {np.percentile(wrong, 95):.2f}), without wrong focal lengths'
            )
    return lines


def _finite(values: list[float]) -> NDArray[np.float64]:
    array = np.array(values)
    return array[np.isfinite(array)]
