"""Checks of a single alignment and of a single image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.align.alignment import Alignment, Disturbance
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

# Smaller images have too few pixels to be aligned.
_MIN_WIDTH, _MIN_HEIGHT = 40, 30
# Weight of a new alignment in the running baseline.
_BASELINE_RATE = 0.05
# Below these shares of the baseline another alignment may do better: coarse to fine, or without
# what covers the view.
_POOR_SCORE, _POOR_INLIERS = 0.8, 0.7
# The part of a covered view that is aligned has been chosen as it agrees, so it must agree as well
# as views without covers do: limits of score and inlier ratio, the latter also relative to the
# baseline; and there must be so many blocks of it.
_COVERED_SCORE, _COVERED_INLIERS, _COVERED_SHARE, _COVERED_BLOCKS = 0.8, 0.6, 0.8, 10
# Where an overexposed image is at its limit is found from the image itself, so it must agree well.
_OVEREXPOSED_SCORE, _OVEREXPOSED_BLOCKS = 0.8, 15
# A narrow view hardly tells turns from shifts of the camera, so that a pose far off may fit nearly
# all of it: what agrees less than this share of the baseline is not believed, nor a part of it.
_NARROW_SHARE = 0.88
# Beyond this distance, metres, the limit of the position grows in proportion.
_NEAR = 4.0
# A pose whose score would not start a track must be this much more certain. Of small parts of a
# kitchen, the only pose that was 13 cm off had a score of 0.73 and a deviation of 3.5 cm; one of 43
# right ones with such a score is rejected.
_DOUBTFUL_SHARE = 0.75
# An innovation beyond this share of the gate calls for a realignment.
_SURPRISING = 0.5
# A camera is at rest if it was no faster than this, m/s and rad/s, for this long.
_AT_REST = np.array([0.03, 0.03, 0.03, 0.05, 0.05, 0.05])
_RESTS_AFTER_S = 1.0
# After this motion, m and rad, an old image does not show the camera's pose.
_FAR = np.array([0.05, 0.05, 0.05, 0.04, 0.04, 0.04])


@dataclass(frozen=True)
class AlignmentQuality:
    """Independent quality criteria of an alignment of a single pose."""

    coverage: float
    inlier_ratio: float
    score: float
    position_sigma: float
    """Standard deviation in the weakest direction, metres."""
    rotation_sigma: float
    """Standard deviation about the weakest axis, radians."""
    distance: float
    """Metres, median depth of what is seen."""
    visible: float = 1.0
    """Share of the mesh in view that nothing covers."""
    blocks: int = 0
    """Number of blocks of the image that the score is from."""
    agreement_in_view: float = 1.0
    """Score times the share of inliers among the points in view."""
    is_overexposed: bool = False
    """Whether the image was aligned as an overexposed one."""
    is_narrow: bool = False
    """Whether the aligned part of the image is a narrow view."""

    @staticmethod
    def of(alignment: Alignment) -> AlignmentQuality:
        """Gather the criteria; what is not finite stays so."""
        keyframe = alignment.keyframe
        agreement_in_view = alignment.score[0] * alignment.inlier_ratio[0] / alignment.in_view[0]
        return AlignmentQuality(
            coverage=float(alignment.coverage[0]),
            inlier_ratio=float(alignment.inlier_ratio[0]),
            score=float(alignment.score[0]),
            position_sigma=alignment.position_sigma,
            rotation_sigma=alignment.rotation_sigma,
            distance=float(alignment.distance[0]),
            visible=alignment.visible,
            blocks=int(alignment.score_blocks[0]),
            agreement_in_view=float(agreement_in_view),
            is_overexposed=alignment.disturbance is Disturbance.OVEREXPOSURE,
            is_narrow=keyframe is not None and keyframe.camera.is_narrow,
        )


def require_size(camera: Camera) -> None:
    """Check the size of an image.

    :raises InputError: it is too small to be aligned.
    """
    if camera.width < _MIN_WIDTH or camera.height < _MIN_HEIGHT:
        raise InputError(
            f'image of {camera.width}x{camera.height} is too small:'
            f' at least {_MIN_WIDTH}x{_MIN_HEIGHT}'
        )


def is_poor(quality: AlignmentQuality, baseline: AlignmentQuality | None) -> bool:
    """Whether an alignment is so much worse than the baseline that another may do better."""
    if baseline is None:
        return False
    # `not >=`, so that NaN is poor.
    return (
        _is_unlike(quality, baseline)
        or not quality.score >= _POOR_SCORE * baseline.score
        or not quality.inlier_ratio >= _POOR_INLIERS * baseline.inlier_ratio
    )


def updated_baseline(
    baseline: AlignmentQuality | None, quality: AlignmentQuality
) -> AlignmentQuality:
    """Return the running mean of accepted alignments, with another one."""
    mean = {
        name: (1 - _BASELINE_RATE) * getattr(baseline or quality, name) + _BASELINE_RATE * value
        for name, value in vars(quality).items()
    }
    return AlignmentQuality(**mean)


def check_quality(
    quality: AlignmentQuality,
    baseline: AlignmentQuality | None,
    settings: TrackingSettings,
    *,
    acquiring: bool,
) -> Rejected | None:
    """Return why an alignment is rejected, or None.

    :param baseline: the running mean of accepted alignments, if there are any.
    :param acquiring: the pose does not continue a track: the limits are stricter.
    """
    min_inlier_ratio, min_score = settings.min_inlier_ratio, settings.min_score
    if acquiring:
        min_inlier_ratio = max(min_inlier_ratio, settings.acquisition_min_inlier_ratio)
        min_score = max(min_score, settings.acquisition_min_score)
    if baseline is not None:
        share = settings.min_inlier_ratio_of_baseline
        min_inlier_ratio = max(min_inlier_ratio, share * baseline.inlier_ratio)
        min_score = max(min_score, settings.min_score_of_baseline * baseline.score)
    # `not >=` here and below, so that NaN fails.
    if not quality.coverage >= settings.min_coverage:
        return Rejected(
            Rejection.LOW_COVERAGE,
            f'the mesh covers {quality.coverage:.0%} of the image,'
            f' less than {settings.min_coverage:.0%}',
        )
    if quality.visible < 1:
        min_score = max(min_score, _COVERED_SCORE)
        min_inlier_ratio = max(min_inlier_ratio, _COVERED_INLIERS)
        if baseline is not None:
            min_inlier_ratio = max(min_inlier_ratio, _COVERED_SHARE * baseline.inlier_ratio)
        if not (quality.visible >= settings.min_visible and quality.blocks >= _COVERED_BLOCKS):
            return Rejected(
                Rejection.LOW_INLIER_RATIO,
                f'{quality.visible:.0%} of the mesh in view agrees with the image, too little:'
                ' something covers the rest, or the pose is wrong',
            )
    if quality.is_overexposed:
        min_score = max(min_score, _OVEREXPOSED_SCORE)
        if quality.blocks < _OVEREXPOSED_BLOCKS:
            return Rejected(
                Rejection.LOW_SCORE, 'too much of the image is overexposed to be compared'
            )
    if not quality.inlier_ratio >= min_inlier_ratio:
        return Rejected(
            Rejection.LOW_INLIER_RATIO,
            f'{quality.inlier_ratio:.0%} of the pixels agree with the mesh,'
            f' less than {min_inlier_ratio:.0%}',
        )
    if not quality.score >= min_score:
        return Rejected(
            Rejection.LOW_SCORE,
            f'the correlation of image and render is {quality.score:.2f},'
            f' less than {min_score:.2f}',
        )
    if quality.is_narrow and quality.visible < 1:
        return Rejected(
            Rejection.LOW_INLIER_RATIO,
            'something covers a part of a narrow view: the rest does not determine the pose',
        )
    if baseline is not None and _is_unlike(quality, baseline):
        return Rejected(
            Rejection.LOW_SCORE,
            f'score times inliers of a narrow view is {quality.agreement_in_view:.2f},'
            f' less than {_NARROW_SHARE * baseline.agreement_in_view:.2f}',
        )
    return _check_conditioning(quality, settings)


def _is_unlike(quality: AlignmentQuality, baseline: AlignmentQuality) -> bool:
    """Whether a narrow view agrees so much less than those before that its pose may be wrong."""
    limit = _NARROW_SHARE * baseline.agreement_in_view
    return quality.is_narrow and not quality.agreement_in_view >= limit


def _check_conditioning(quality: AlignmentQuality, settings: TrackingSettings) -> Rejected | None:
    # A part of the mesh was chosen as it agrees, so its covariance is too small.
    share = math.sqrt(quality.visible)
    if quality.score < settings.acquisition_min_score:
        share *= _DOUBTFUL_SHARE
    max_position_sigma = settings.max_position_sigma * max(1.0, quality.distance / _NEAR) * share
    for name, sigma, limit, unit in (
        ('position', quality.position_sigma, max_position_sigma, 'm'),
        ('rotation', quality.rotation_sigma, settings.max_rotation_sigma, 'rad'),
    ):
        if not sigma <= limit:
            return Rejected(
                Rejection.ILL_CONDITIONED,
                f'the {name} is uncertain by {sigma:.2g} {unit}, more than {limit:.2g} {unit}',
            )
    return None


def check_innovation(innovation_distance: float, settings: TrackingSettings) -> Rejected | None:
    """Return why a pose does not fit the prediction, or None.

    :param innovation_distance: in standard deviations.
    """
    gate = settings.innovation_gate
    if innovation_distance <= gate:
        return None
    return Rejected(
        Rejection.INNOVATION,
        f'the pose is {innovation_distance:.1f} standard deviations from the prediction,'
        f' more than {gate:g}',
    )


def is_surprising(innovation_distance: float, settings: TrackingSettings) -> bool:
    """Whether a pose fits the prediction, but not well enough to skip a realignment."""
    return not innovation_distance <= _SURPRISING * settings.innovation_gate


class FrozenImageDetector:
    """Detects a camera that repeats its last image with new stamps.

    Many cameras do so once or twice, and one at rest in a simulation without noise does it all the
    time. So a repeated image is rejected only if the camera moved shortly before it first came, and
    if it is old or the camera must have moved far since.
    """

    def __init__(self) -> None:
        self._first: Frame | None = None
        self._velocity = np.zeros(6)
        self._moved_ns: int | None = None

    def check(self, frame: Frame, velocity: Array, settings: TrackingSettings) -> Rejected | None:
        """Return why an image is too old, or None.

        :param velocity: of the camera by the poses so far, a twist [6] per second.
        """
        first = self._first
        # A recording that starts again does not repeat an image.
        if first is None or frame.stamp_ns < first.stamp_ns or not _same(first.image, frame.image):
            self._first, self._velocity = frame, np.abs(velocity)
            if (self._velocity > _AT_REST).any():
                self._moved_ns = frame.stamp_ns
            return None
        if self._moved_ns is None or first.stamp_ns - self._moved_ns > _RESTS_AFTER_S * 1e9:
            return None
        age_s = (frame.stamp_ns - first.stamp_ns) * 1e-9
        is_near = (age_s * self._velocity <= _FAR).all()
        if age_s <= settings.frozen_image_timeout and is_near:
            return None
        return Rejected(
            Rejection.FROZEN_IMAGE, f'the image is identical to the one {age_s:.2f} s before'
        )


def _same(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    # A sparse sample tells most images apart quickly.
    return np.array_equal(a[::16, ::16], b[::16, ::16]) and np.array_equal(a, b)
