"""The judgement of trust: each sign, both thresholds, the baseline, and repeated images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.small_room import CAMERA

from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track.quality import AlignmentQuality, QualityGate, Repetition, quality_product
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
    coverage=0.9, inlier_ratio=0.9, score=0.9, position_sigma=0.01, rotation_sigma=0.001
)
NAN = float('nan')


def doubts(health: QualityGate, entering: bool = False, **signs: float) -> str:
    return health.doubts(replace(GOOD, **signs), entering)


@pytest.mark.parametrize('entering', [False, True])
def test_a_good_pose_is_not_doubted(entering):
    health = QualityGate(SETTINGS)
    assert doubts(health, entering) == ''
    assert health.doubts_of_motion(1.0) == ''


@pytest.mark.parametrize(
    ('signs', 'words'),
    [
        ({'coverage': 0.19}, 'covers 19% of the image'),
        ({'inlier_ratio': 0.39}, '39% of the pixels agree'),
        ({'score': 0.39}, 'correlate by 0.39'),
        ({'position_sigma': 0.11}, 'leaves the position open by 0.11 m'),
        ({'rotation_sigma': 0.021}, 'leaves the rotation open by 0.021 rad'),
        ({'coverage': NAN}, 'covers'),
        ({'inlier_ratio': NAN}, 'agree'),
        ({'score': NAN}, 'correlate'),
        ({'position_sigma': NAN}, 'position'),
        ({'rotation_sigma': NAN}, 'rotation'),
    ],
)
def test_each_doubt_is_said_in_one_line(signs, words):
    for entering in (False, True):
        reason = doubts(QualityGate(SETTINGS), entering, **signs)
        assert words in reason
        assert '\n' not in reason


@pytest.mark.parametrize('distance', [4.1, NAN])
def test_a_pose_far_from_the_prediction_is_doubted(distance):
    reason = QualityGate(SETTINGS).doubts_of_motion(distance)
    assert f'{distance:.1f} standard deviations' in reason
    assert '\n' not in reason


def test_limits_are_as_set():
    health = QualityGate(SETTINGS)
    at_the_limit = AlignmentQuality(0.2, 0.4, 0.4, 0.1, 0.02)
    assert health.doubts(at_the_limit, entering=False) == ''
    assert health.doubts_of_motion(4.0) == ''
    entering = replace(at_the_limit, inlier_ratio=0.6, score=0.5)
    assert health.doubts(entering, entering=True) == ''


def test_it_takes_more_to_enter_trust_than_to_stay():
    health = QualityGate(SETTINGS)
    for signs, bar in (({'score': 0.45}, '0.50'), ({'inlier_ratio': 0.55}, '60%')):
        assert doubts(health, entering=False, **signs) == ''
        assert f'less than {bar}' in doubts(health, entering=True, **signs)


def test_a_laxer_bar_to_enter_than_to_stay_means_nothing():
    health = QualityGate(
        replace(SETTINGS, acquisition_min_score=0.1, acquisition_min_inlier_ratio=0.1)
    )
    assert doubts(health, entering=True, score=0.39)
    assert doubts(health, entering=True, inlier_ratio=0.39)


def test_signs_far_below_those_before_are_doubted():
    health = QualityGate(SETTINGS)
    for _ in range(5):
        health.learn(GOOD)
    assert 'less than 0.72' in doubts(health, score=0.71)
    assert doubts(health, score=0.73) == ''
    assert 'less than 63%' in doubts(health, inlier_ratio=0.62)
    assert doubts(health, inlier_ratio=0.64) == ''


def test_the_baseline_follows_slow_changes():
    health = QualityGate(SETTINGS)
    for score in np.linspace(0.95, 0.5, 200):
        assert doubts(health, score=score) == ''
        health.learn(replace(GOOD, score=score))
    assert doubts(health, score=0.41)


def test_a_score_below_what_was_usual_is_worth_a_retry():
    health = QualityGate(SETTINGS)
    assert not health.is_poor(replace(GOOD, score=0.1))
    health.learn(GOOD)
    assert not health.is_poor(replace(GOOD, score=0.73, inlier_ratio=0.1))
    assert health.is_poor(replace(GOOD, score=0.71))
    assert health.is_poor(replace(GOOD, score=NAN))


def alignment(covariance: np.ndarray, score: float = 0.9, inlier_ratio: float = 0.8) -> Alignment:
    return Alignment(
        map_T_camera=torch.eye(4, dtype=torch.float64)[None],
        covariance=torch.from_numpy(covariance)[None],
        exposure=neutral_exposure(1),
        score=torch.tensor([score]),
        inlier_ratio=torch.tensor([inlier_ratio]),
        coverage=torch.tensor([0.7]),
        iterations=1,
    )


def test_signs_are_those_of_the_weakest_direction():
    """However it lies between the axes."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = turn @ np.diag([0.3, 0.01, 0.02]) ** 2 @ turn.T
    covariance[3:, 3:] = turn @ np.diag([0.001, 0.002, 0.04]) ** 2 @ turn.T
    signs = AlignmentQuality.of(alignment(covariance))
    assert signs.position_sigma == pytest.approx(0.3)
    assert signs.rotation_sigma == pytest.approx(0.04)
    assert (signs.score, signs.inlier_ratio, signs.coverage) == pytest.approx((0.9, 0.8, 0.7))


def test_a_covariance_that_is_not_finite_is_doubted():
    broken = np.eye(6) * 1e-6
    broken[0, 0] = np.nan
    assert QualityGate(SETTINGS).doubts(AlignmentQuality.of(alignment(broken)), entering=False)


def test_agreement_needs_score_and_inliers():
    covariance = np.eye(6)
    assert quality_product(alignment(covariance, 0.9, 0.8)) == pytest.approx(0.72)
    assert quality_product(alignment(covariance, -0.9, 0.8)) == 0
    assert quality_product(alignment(covariance, NAN, 0.8)) == 0


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    shape = (CAMERA.height, CAMERA.width, 3)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


MOVING, STANDING = np.full(6, 0.3), np.full(6, 0.02)


def repetition_after(image: np.ndarray, velocity: float, **settings: float) -> Repetition:
    repetition = Repetition(TrackingSettings(**settings))
    assert repetition.doubts(Frame(0, image, CAMERA), np.full(6, velocity)) == ''
    return repetition


def test_an_image_that_comes_again_and_again_while_the_camera_moves_is_doubted():
    (image, other) = images(2)
    repetition = repetition_after(image, velocity=0.3)
    reasons = []
    for ms in range(33, 2000, 33):
        # The poses of a frozen image come to rest.
        velocity = np.zeros(6)
        reasons.append(repetition.doubts(Frame(ms * 1_000_000, image.copy(), CAMERA), velocity))
    # Once or twice is what cameras do.
    assert reasons[0] == ''
    assert all('s ago again' in reason for reason in reasons[6:])
    assert repetition.doubts(Frame(2_000_000_000, other, CAMERA), np.zeros(6)) == ''


def test_the_image_of_a_camera_that_stands_still_may_come_again():
    (image,) = images(1)
    repetition = repetition_after(image, velocity=0.02)
    for ms in range(33, 20_000, 330):
        assert repetition.doubts(Frame(ms * 1_000_000, image, CAMERA), np.zeros(6)) == ''


@pytest.mark.parametrize(('paused_s', 'doubted'), [(0.5, True), (1.5, False)])
def test_a_camera_that_slows_down_for_a_moment_does_not_stand_still(paused_s, doubted):
    first, second = images(2)
    repetition = repetition_after(first, velocity=0.3)
    begin_ns = round(paused_s * 1e9)
    assert repetition.doubts(Frame(begin_ns, second, CAMERA), STANDING) == ''
    again = Frame(begin_ns + 400_000_000, second, CAMERA)
    assert bool(repetition.doubts(again, STANDING)) is doubted


def test_how_long_an_image_may_come_again_is_a_setting():
    (image,) = images(1)
    again = Frame(900_000_000, image, CAMERA)
    for longest, doubted in ((0.8, True), (1.0, False)):
        repetition = repetition_after(image, velocity=0.035, frozen_image_timeout=longest)
        assert bool(repetition.doubts(again, np.zeros(6))) is doubted


def test_a_fast_camera_is_gone_sooner():
    (image,) = images(1)
    fast, slow = repetition_after(image, velocity=2.0), repetition_after(image, velocity=0.1)
    again = Frame(50_000_000, image, CAMERA)
    assert fast.doubts(again, np.zeros(6))
    assert not slow.doubts(again, np.zeros(6))


def test_an_image_of_a_recording_that_begins_anew_is_no_repetition():
    (image,) = images(1)
    repetition = repetition_after(image, velocity=0.3)
    assert repetition.doubts(Frame(-(10**10), image, CAMERA), MOVING) == ''
