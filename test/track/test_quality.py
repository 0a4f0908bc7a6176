"""The checks of an alignment: each criterion, both limits, the baseline; and frozen images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.small_room import CAMERA

from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.track.quality import (
    AlignmentQuality,
    FrozenImageDetector,
    check_innovation,
    check_quality,
    is_poor,
    updated_baseline,
)
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

SETTINGS = TrackingSettings(
    min_coverage=0.2,
    min_inlier_ratio=0.4,
    acquisition_min_inlier_ratio=0.6,
    min_inlier_ratio_of_baseline=0.7,
    min_score=0.4,
    acquisition_min_score=0.5,
    min_score_of_baseline=0.8,
    max_position_sigma=0.1,
    max_rotation_sigma=0.02,
    innovation_gate=4.0,
)
GOOD = AlignmentQuality(
    coverage=0.9,
    inlier_ratio=0.9,
    score=0.9,
    position_sigma=0.01,
    rotation_sigma=0.001,
    distance=1.0,
)
NAN = float('nan')


def check(
    baseline: AlignmentQuality | None = None,
    acquiring: bool = False,
    settings: TrackingSettings = SETTINGS,
    **quality: float,
) -> Rejected | None:
    return check_quality(replace(GOOD, **quality), baseline, settings, acquiring=acquiring)


@pytest.mark.parametrize('acquiring', [False, True])
def test_a_good_alignment_passes(acquiring):
    assert check(acquiring=acquiring) is None
    assert check_innovation(1.0, SETTINGS) is None


@pytest.mark.parametrize(
    ('quality', 'rejection', 'figure'),
    [
        ({'coverage': 0.19}, Rejection.LOW_COVERAGE, '19%'),
        ({'inlier_ratio': 0.39}, Rejection.LOW_INLIER_RATIO, '39%'),
        ({'score': 0.39}, Rejection.LOW_SCORE, '0.39'),
        ({'position_sigma': 0.11}, Rejection.ILL_CONDITIONED, '0.11 m'),
        ({'rotation_sigma': 0.021}, Rejection.ILL_CONDITIONED, '0.021 rad'),
        ({'coverage': NAN}, Rejection.LOW_COVERAGE, 'nan'),
        ({'inlier_ratio': NAN}, Rejection.LOW_INLIER_RATIO, 'nan'),
        ({'score': NAN}, Rejection.LOW_SCORE, 'nan'),
        ({'position_sigma': NAN}, Rejection.ILL_CONDITIONED, 'nan'),
        ({'rotation_sigma': NAN}, Rejection.ILL_CONDITIONED, 'nan'),
    ],
)
def test_each_rejection_has_a_reason_in_one_line_with_its_figure(quality, rejection, figure):
    for acquiring in (False, True):
        rejected = check(acquiring=acquiring, **quality)
        assert rejected.rejection is rejection
        assert figure in rejected.reason
        assert '\n' not in rejected.reason


@pytest.mark.parametrize('distance', [4.1, NAN])
def test_a_pose_far_from_the_prediction_is_rejected(distance):
    rejected = check_innovation(distance, SETTINGS)
    assert rejected.rejection is Rejection.INNOVATION
    assert f'{distance:.1f}' in rejected.reason
    assert '\n' not in rejected.reason


def test_limits_are_inclusive():
    at_the_limit = AlignmentQuality(0.2, 0.4, 0.5, 0.1, 0.02, distance=1.0)
    assert check_quality(at_the_limit, None, SETTINGS, acquiring=False) is None
    assert check(score=0.4) is None
    assert check_innovation(4.0, SETTINGS) is None
    acquired = replace(at_the_limit, inlier_ratio=0.6)
    assert check_quality(acquired, None, SETTINGS, acquiring=True) is None


@pytest.mark.parametrize(
    ('limit', 'below'),
    [
        ({'visible': 0.18}, {'visible': 0.17}),
        ({'blocks': 10}, {'blocks': 9}),
        ({'score': 0.8}, {'score': 0.79}),
        ({'inlier_ratio': 0.73}, {'inlier_ratio': 0.71}),
    ],
)
def test_what_is_seen_of_a_covered_view_must_agree_well(limit, below):
    covered = {'visible': 0.3, 'blocks': 20}
    assert check(GOOD, **{**covered, **limit}) is None
    assert check(GOOD, **{**covered, **below})
    if 'visible' not in below and 'blocks' not in below:
        assert check(GOOD, **below) is None


def test_a_new_track_has_stricter_limits():
    for quality, limit in (({'score': 0.45}, '0.50'), ({'inlier_ratio': 0.55}, '60%')):
        assert check(acquiring=False, **quality) is None
        assert limit in check(acquiring=True, **quality).reason


def test_limits_of_a_new_track_are_never_laxer():
    lax = replace(SETTINGS, acquisition_min_score=0.1, acquisition_min_inlier_ratio=0.1)
    assert check(acquiring=True, settings=lax, score=0.39)
    assert check(acquiring=True, settings=lax, inlier_ratio=0.39)


def test_alignments_far_below_the_baseline_are_rejected():
    assert '0.72' in check(GOOD, score=0.71).reason
    assert check(GOOD, score=0.73) is None
    assert '63%' in check(GOOD, inlier_ratio=0.62).reason
    assert check(GOOD, inlier_ratio=0.64) is None


def test_the_baseline_follows_slow_changes():
    baseline = None
    for score in np.linspace(0.95, 0.5, 200):
        assert check(baseline, score=score) is None
        baseline = updated_baseline(baseline, replace(GOOD, score=score))
    assert check(baseline, score=0.41)


def test_a_score_or_inliers_below_the_baseline_are_worth_a_retry():
    assert not is_poor(replace(GOOD, score=0.1), None)
    assert not is_poor(replace(GOOD, score=0.73, inlier_ratio=0.64), GOOD)
    assert is_poor(replace(GOOD, score=0.71), GOOD)
    assert is_poor(replace(GOOD, inlier_ratio=0.62), GOOD)
    assert is_poor(replace(GOOD, inlier_ratio=NAN), GOOD)
    assert is_poor(replace(GOOD, score=NAN), GOOD)


def alignment(covariance: np.ndarray, score: float = 0.9, inlier_ratio: float = 0.8) -> Alignment:
    return Alignment(
        map_T_camera=torch.eye(4, dtype=torch.float64)[None],
        covariance=torch.from_numpy(covariance)[None],
        exposure=neutral_exposure(1),
        score=torch.tensor([score]),
        score_blocks=torch.tensor([100]),
        inlier_ratio=torch.tensor([inlier_ratio]),
        in_view=torch.tensor([1.0]),
        coverage=torch.tensor([0.7]),
        distance=torch.tensor([1.0]),
        iterations=1,
    )


NARROW = replace(GOOD, is_narrow=True, agreement_in_view=0.8)


def test_a_narrow_view_must_agree_nearly_as_well_as_those_before():
    """A pose far off explains most of a strip."""
    like, unlike = replace(NARROW, agreement_in_view=0.71), replace(NARROW, agreement_in_view=0.69)
    assert not is_poor(like, NARROW)
    assert check_quality(like, NARROW, SETTINGS, acquiring=False) is None
    assert is_poor(unlike, NARROW)
    rejected = check_quality(unlike, NARROW, SETTINGS, acquiring=False)
    assert rejected
    assert rejected.rejection is Rejection.LOW_SCORE
    assert check_quality(replace(NARROW, agreement_in_view=NAN), NARROW, SETTINGS, acquiring=False)
    wide = replace(unlike, is_narrow=False)
    assert not is_poor(wide, NARROW)
    assert check_quality(wide, NARROW, SETTINGS, acquiring=False) is None


def test_a_part_of_a_narrow_view_is_not_enough():
    covered = replace(NARROW, visible=0.7, blocks=100)
    rejected = check_quality(covered, None, SETTINGS, acquiring=True)
    assert rejected
    assert rejected.rejection is Rejection.LOW_INLIER_RATIO
    wide = replace(covered, is_narrow=False)
    assert check_quality(wide, None, SETTINGS, acquiring=True) is None


def test_points_out_of_view_do_not_count_as_disagreement():
    seen = replace(alignment(np.eye(6)), in_view=torch.tensor([0.8]))
    assert AlignmentQuality.of(seen).agreement_in_view == pytest.approx(0.9 * 0.8 / 0.8)


def test_deviations_are_those_of_the_weakest_direction():
    """However it lies between the axes."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ np.diag([0.3, 0.01, 0.02]) ** 2 @ turn.T
    covariance[3:, 3:] = turn @ np.diag([0.001, 0.002, 0.04]) ** 2 @ turn.T
    quality = AlignmentQuality.of(alignment(covariance))
    assert quality.position_sigma == pytest.approx(0.3)
    assert quality.rotation_sigma == pytest.approx(0.04)
    assert (quality.score, quality.inlier_ratio, quality.coverage) == pytest.approx((0.9, 0.8, 0.7))


def test_a_covariance_that_is_not_finite_is_rejected():
    broken = np.eye(6) * 1e-6
    broken[0, 0] = np.nan
    quality = AlignmentQuality.of(alignment(broken))
    assert check_quality(quality, None, SETTINGS, acquiring=False)


def test_agreement_needs_score_and_inliers():
    covariance = np.eye(6)
    assert alignment(covariance, 0.9, 0.8).agreement == pytest.approx(0.72)
    assert alignment(covariance, -0.9, 0.8).agreement == 0
    assert alignment(covariance, NAN, 0.8).agreement == 0


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    shape = (CAMERA.height, CAMERA.width, 3)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


MOVING, SLOW, REST = np.full(6, 0.3), np.full(6, 0.02), np.zeros(6)


def seen(image: np.ndarray, velocity: float) -> FrozenImageDetector:
    """Return a detector that has seen an image at time 0."""
    detector = FrozenImageDetector()
    assert detector.check(Frame(0, image, CAMERA), np.full(6, velocity), SETTINGS) is None
    return detector


def is_frozen(
    detector: FrozenImageDetector,
    ms: float,
    image: np.ndarray,
    velocity: np.ndarray = REST,
    settings: TrackingSettings = SETTINGS,
) -> bool:
    rejected = detector.check(Frame(round(ms * 1e6), image, CAMERA), velocity, settings)
    if rejected is None:
        return False
    assert rejected.rejection is Rejection.FROZEN_IMAGE
    assert '\n' not in rejected.reason
    return True


def test_an_image_that_repeats_while_the_camera_moves_is_rejected():
    (image, other) = images(2)
    detector = seen(image, velocity=0.3)
    # The poses of a frozen image come to rest.
    frozen = [is_frozen(detector, ms, image.copy()) for ms in range(33, 2000, 33)]
    # Cameras repeat an image once or twice.
    assert not frozen[0]
    assert all(frozen[6:])
    assert not is_frozen(detector, 2000, other)


def test_a_camera_at_rest_may_repeat_its_image():
    (image,) = images(1)
    detector = seen(image, velocity=0.02)
    assert not any(is_frozen(detector, ms, image) for ms in range(33, 20_000, 330))


@pytest.mark.parametrize(('paused_ms', 'frozen'), [(500, True), (1500, False)])
def test_a_camera_that_slows_down_for_a_moment_is_not_at_rest(paused_ms, frozen):
    first, second = images(2)
    detector = seen(first, velocity=0.3)
    assert not is_frozen(detector, paused_ms, second, SLOW)
    assert is_frozen(detector, paused_ms + 400, second, SLOW) is frozen


def test_how_long_an_image_may_repeat_is_a_setting():
    (image,) = images(1)
    for longest, frozen in ((0.8, True), (1.0, False)):
        settings = TrackingSettings(frozen_image_timeout=longest)
        detector = seen(image, velocity=0.035)
        assert is_frozen(detector, 900, image, settings=settings) is frozen


def test_the_image_of_a_fast_camera_is_too_old_sooner():
    (image,) = images(1)
    assert is_frozen(seen(image, velocity=2.0), 50, image)
    assert not is_frozen(seen(image, velocity=0.1), 50, image)


def test_an_image_of_a_recording_that_starts_again_does_not_repeat():
    (image,) = images(1)
    assert not is_frozen(seen(image, velocity=0.3), -10_000, image, MOVING)


def test_a_part_of_the_mesh_has_to_determine_the_position_better():
    part = {'visible': 0.49, 'blocks': 40, 'score': 0.9, 'inlier_ratio': 0.9}
    assert check(**part, position_sigma=0.069) is None
    assert check(**part, position_sigma=0.071).rejection is Rejection.ILL_CONDITIONED


def test_a_pose_that_would_not_start_a_track_must_be_more_certain():
    assert check(score=0.51, position_sigma=0.099) is None
    assert check(score=0.49, position_sigma=0.074) is None
    assert check(score=0.49, position_sigma=0.076).rejection is Rejection.ILL_CONDITIONED


def test_far_away_the_position_may_be_less_certain():
    """Beyond 4 m the limit grows in proportion, and so it remains a setting."""
    assert check(distance=60.0, position_sigma=1.49) is None
    assert check(distance=60.0, position_sigma=1.51).rejection is Rejection.ILL_CONDITIONED
    strict = replace(SETTINGS, max_position_sigma=0.01)
    assert check(distance=60.0, position_sigma=0.16, settings=strict) is not None
    for distance in (0.5, 3.9, NAN):
        assert check(distance=distance, position_sigma=0.099) is None
        assert check(distance=distance, position_sigma=0.101) is not None
    # The rotation has no such allowance.
    assert check(distance=60.0, rotation_sigma=0.021) is not None


def test_an_overexposed_image_must_agree_well_and_show_enough():
    def checked(score: float, blocks: int) -> Rejected | None:
        return check(score=score, blocks=blocks, is_overexposed=True)

    assert checked(0.85, 20) is None
    for rejected in (checked(0.75, 20), checked(0.85, 12)):
        assert rejected is not None
        assert rejected.rejection is Rejection.LOW_SCORE
    assert check(score=0.75, blocks=12) is None
