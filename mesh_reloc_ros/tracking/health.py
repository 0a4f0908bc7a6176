"""Is an aligned pose right? A first judgement, from signs that the alignment leaves."""

from __future__ import annotations

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.tracking.settings import TrackingSettings

# Share of a new figure that goes into the baseline.
_BASELINE_RATE = 0.05
# An alignment whose score or inlier ratio is below this share of the baseline is worth a retry.
_POOR_SCORE, _POOR_INLIER_RATIO = 0.9, 0.75


class Health:
    """Judges alignments one by one, against a baseline of the scores of trusted ones."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._settings = settings
        self._score: float | None = None
        self._inlier_ratio: float | None = None

    def is_poor(self, alignment: Alignment) -> bool:
        """Whether an alignment falls short of those before, so that another try may be better."""
        if self._score is None or self._inlier_ratio is None:
            return False
        score, inlier_ratio = float(alignment.score[0]), float(alignment.inlier_ratio[0])
        # Written so that a score that is not a number is poor.
        return not (
            score >= _POOR_SCORE * self._score
            and inlier_ratio >= _POOR_INLIER_RATIO * self._inlier_ratio
        )

    def doubts(self, alignment: Alignment, innovation_distance: float) -> str:
        """Return why a pose is not to be trusted, in one line; empty when it is.

        :param alignment: of a single pose. :param innovation_distance: from the prediction, in
            standard deviations.
        """
        settings = self._settings
        coverage = float(alignment.coverage[0])
        inlier_ratio = float(alignment.inlier_ratio[0])
        score = float(alignment.score[0])
        if not coverage >= settings.min_coverage:
            return (
                f'the mesh covers {coverage:.0%} of the image,'
                f' less than {settings.min_coverage:.0%}'
            )
        if not inlier_ratio >= settings.min_inlier_ratio:
            return (
                f'{inlier_ratio:.0%} of the pixels agree with the mesh,'
                f' less than {settings.min_inlier_ratio:.0%}'
            )
        bar = settings.min_score
        if self._score is not None:
            bar = max(bar, settings.min_score_of_baseline * self._score)
        if not score >= bar:
            return f'image and render correlate by {score:.2f}, less than {bar:.2f}'
        if not innovation_distance <= settings.innovation_gate:
            return (
                f'the pose is {innovation_distance:.1f} standard deviations from the prediction,'
                f' more than {settings.innovation_gate:g}'
            )
        return ''

    def learn(self, alignment: Alignment) -> None:
        """Take a trusted alignment into the baseline."""
        self._score = _blended(self._score, float(alignment.score[0]))
        self._inlier_ratio = _blended(self._inlier_ratio, float(alignment.inlier_ratio[0]))


def _blended(baseline: float | None, new: float) -> float:
    return new if baseline is None else baseline + _BASELINE_RATE * (new - baseline)
