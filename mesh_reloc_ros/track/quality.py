"""Is an aligned pose right? A judgement from independent signs that the alignment leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.types.frame import Frame

# Share of a new figure that goes into the baseline.
_BASELINE_RATE = 0.05
# An alignment whose score is below this share of the baseline is worth a retry. The inlier ratio is
# not asked: it falls with all that covers the view, and a retry cannot look behind that.
_POOR_SCORE = 0.8
# An innovation beyond this share of the gate asks for a second look.
_SURPRISING = 0.5
# A camera stands still if it was no faster, m/s and rad/s, for so long.
_STANDS = np.array([0.03, 0.03, 0.03, 0.05, 0.05, 0.05])
_RESTS_AFTER_S = 1.0
# If it has moved by so much since, m and rad, an image does not tell where it is.
_GONE = np.array([0.05, 0.05, 0.05, 0.04, 0.04, 0.04])


@dataclass(frozen=True)
class AlignmentQuality:
    """What an alignment of a single pose says of itself."""

    coverage: float
    inlier_ratio: float
    score: float
    position_sigma: float
    """Deviation along the weakest direction, metres."""
    rotation_sigma: float
    """Deviation about the weakest axis, radians."""

    @staticmethod
    def of(alignment: Alignment) -> AlignmentQuality:
        """Gather the signs; what is not finite stays so."""
        covariance = alignment.covariance[0].numpy()
        return AlignmentQuality(
            coverage=float(alignment.coverage[0]),
            inlier_ratio=float(alignment.inlier_ratio[0]),
            score=float(alignment.score[0]),
            position_sigma=_largest_deviation(covariance[:3, :3]),
            rotation_sigma=_largest_deviation(covariance[3:, 3:]),
        )


class QualityGate:
    """Judges alignments one by one, also against a baseline of trusted ones."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._settings = settings
        self._baseline: AlignmentQuality | None = None

    def change(self, settings: TrackingSettings) -> None:
        """PoseValidator by other settings, against the same baseline."""
        self._settings = settings

    def is_poor(self, signs: AlignmentQuality) -> bool:
        """Whether an alignment falls short of those before, so that another try may be better."""
        # Written so that a score that is not a number is poor.
        return self._baseline is not None and not (
            signs.score >= _POOR_SCORE * self._baseline.score
        )

    def doubts(self, signs: AlignmentQuality, entering: bool) -> str:
        """Return why a pose is not to be trusted, in one line; empty when it is.

        :param entering: trust is to begin or to come back, which takes more than to go on.
        """
        settings = self._settings
        # Written so that what is not a number is doubted.
        if not signs.coverage >= settings.min_coverage:
            return (
                f'the mesh covers {signs.coverage:.0%} of the image,'
                f' less than {settings.min_coverage:.0%}'
            )
        bar = self._inlier_bar(entering)
        if not signs.inlier_ratio >= bar:
            return (
                f'{signs.inlier_ratio:.0%} of the pixels agree with the mesh, less than {bar:.0%}'
            )
        bar = self._score_bar(entering)
        if not signs.score >= bar:
            return f'image and render correlate by {signs.score:.2f}, less than {bar:.2f}'
        return self._doubts_of_conditioning(signs)

    def doubts_of_motion(self, innovation_distance: float) -> str:
        """Return why a pose does not fit those before, in one line; empty when it does.

        :param innovation_distance: from the prediction, in standard deviations.
        """
        gate = self._settings.innovation_gate
        if innovation_distance <= gate:
            return ''
        return (
            f'the pose is {innovation_distance:.1f} standard deviations from the prediction,'
            f' more than {gate:g}'
        )

    def is_surprising(self, innovation_distance: float) -> bool:
        """Whether a pose fits those before, but not so well that there is no doubt."""
        return not innovation_distance <= _SURPRISING * self._settings.innovation_gate

    def learn(self, signs: AlignmentQuality) -> None:
        """Take a trusted alignment into the baseline."""
        before = self._baseline or signs
        learnt = {
            name: (1 - _BASELINE_RATE) * getattr(before, name) + _BASELINE_RATE * value
            for name, value in vars(signs).items()
        }
        self._baseline = AlignmentQuality(**learnt)

    def _inlier_bar(self, entering: bool) -> float:
        settings = self._settings
        bar = settings.min_inlier_ratio
        if entering:
            bar = max(bar, settings.acquisition_min_inlier_ratio)
        if self._baseline is not None:
            share = settings.min_inlier_ratio_of_baseline
            bar = max(bar, share * self._baseline.inlier_ratio)
        return bar

    def _score_bar(self, entering: bool) -> float:
        settings = self._settings
        bar = (
            max(settings.min_score, settings.acquisition_min_score)
            if entering
            else settings.min_score
        )
        if self._baseline is not None:
            bar = max(bar, settings.min_score_of_baseline * self._baseline.score)
        return bar

    def _doubts_of_conditioning(self, signs: AlignmentQuality) -> str:
        settings = self._settings
        if not signs.position_sigma <= settings.max_position_sigma:
            return (
                f'the view leaves the position open by {signs.position_sigma:.2g} m,'
                f' more than {settings.max_position_sigma:g} m'
            )
        if not signs.rotation_sigma <= settings.max_rotation_sigma:
            return (
                f'the view leaves the rotation open by {signs.rotation_sigma:.2g} rad,'
                f' more than {settings.max_rotation_sigma:g} rad'
            )
        return ''


class Repetition:
    """Notices a camera that sends its last image again and again, with new stamps.

    Many cameras do so once or twice, and one that stands still, in a simulation without noise, all
    the time. So a repeated image is doubted only if the camera moved shortly before it first came,
    and once it is old or the camera must have moved on by a good deal.
    """

    def __init__(self, settings: TrackingSettings) -> None:
        self._longest_s = settings.frozen_image_timeout
        self._first: Frame | None = None
        self._velocity = np.zeros(6)
        self._moved_ns: int | None = None

    def change(self, settings: TrackingSettings) -> None:
        """Go by other settings."""
        self._longest_s = settings.frozen_image_timeout

    def doubts(self, frame: Frame, velocity: NDArray[np.float64]) -> str:
        """Return a doubt if the image is an old one, in one line.

        :param velocity: of the camera by the poses so far, a twist [6] per second.
        """
        first = self._first
        # A recording that begins anew is another matter.
        if first is None or frame.stamp_ns < first.stamp_ns or not _same(first.image, frame.image):
            self._first, self._velocity = frame, np.abs(velocity)
            if (self._velocity > _STANDS).any():
                self._moved_ns = frame.stamp_ns
            return ''
        if self._moved_ns is None or first.stamp_ns - self._moved_ns > _RESTS_AFTER_S * 1e9:
            return ''
        age_s = (frame.stamp_ns - first.stamp_ns) * 1e-9
        if age_s <= self._longest_s and (age_s * self._velocity <= _GONE).all():
            return ''
        return f'the image is the one of {age_s:.2f} s ago again'


def quality_product(alignment: Alignment) -> float:
    """Return how well a single pose agrees with its image, 0 to 1, to compare poses by."""
    both = alignment.score[0].clamp(min=0) * alignment.inlier_ratio[0]
    return float(both.nan_to_num(0.0))


def _same(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    # A few pixels tell most images apart in no time.
    return np.array_equal(a[::16, ::16], b[::16, ::16]) and np.array_equal(a, b)


def _largest_deviation(covariance: NDArray[np.float64]) -> float:
    if not np.isfinite(covariance).all():
        return float('nan')
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))
