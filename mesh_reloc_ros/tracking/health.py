"""Is an aligned pose right? A first judgement, from signs that the alignment leaves."""

from __future__ import annotations

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.tracking.settings import TrackingSettings

# Share of a new figure that goes into the baseline.
_BASELINE_RATE = 0.05
# An alignment whose score is below this share of the baseline is worth a retry. The inlier ratio is
# not asked: it falls with all that covers the view, and a retry cannot look behind that.
_POOR_SCORE = 0.8


class Health:
    """Judges alignments one by one, against a baseline of the scores of trusted ones."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._settings = settings
        self._score: float | None = None

    def is_poor(self, alignment: Alignment) -> bool:
        """Whether an alignment falls short of those before, so that another try may be better."""
        # Written so that a score that is not a number is poor.
        return self._score is not None and not (
            float(alignment.score[0]) >= _POOR_SCORE * self._score
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
        score = float(alignment.score[0])
        baseline = score if self._score is None else self._score
        self._score = baseline + _BASELINE_RATE * (score - baseline)
