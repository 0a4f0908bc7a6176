"""The judgement of trust: each reason, and the baseline."""

from dataclasses import replace

import pytest
import torch

from mesh_reloc_ros.alignment.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.tracking.health import Health
from mesh_reloc_ros.tracking.settings import TrackingSettings

SETTINGS = TrackingSettings(
    min_coverage=0.2,
    min_inlier_ratio=0.5,
    min_score=0.4,
    min_score_of_baseline=0.8,
    innovation_gate=4.0,
)
GOOD = {'score': 0.9, 'inlier_ratio': 0.9, 'coverage': 0.9}


def alignment(**figures: float) -> Alignment:
    figures = {**GOOD, **figures}
    return Alignment(
        map_T_camera=torch.eye(4, dtype=torch.float64)[None],
        covariance=torch.eye(6, dtype=torch.float64)[None],
        exposure=neutral_exposure(1),
        iterations=1,
        **{name: torch.tensor([value]) for name, value in figures.items()},
    )


def test_a_good_pose_is_not_doubted():
    assert Health(SETTINGS).doubts(alignment(), 1.0) == ''


@pytest.mark.parametrize(
    ('figures', 'distance', 'words'),
    [
        ({'coverage': 0.19}, 1.0, 'covers 19% of the image'),
        ({'inlier_ratio': 0.49}, 1.0, '49% of the pixels agree'),
        ({'score': 0.39}, 1.0, 'correlate by 0.39'),
        ({}, 4.1, '4.1 standard deviations'),
        ({'coverage': float('nan')}, 1.0, 'covers'),
        ({'inlier_ratio': float('nan')}, 1.0, 'agree'),
        ({'score': float('nan')}, 1.0, 'correlate'),
        ({}, float('nan'), 'standard deviations'),
    ],
)
def test_each_doubt_is_said_in_one_line(figures, distance, words):
    reason = Health(SETTINGS).doubts(alignment(**figures), distance)
    assert words in reason
    assert '\n' not in reason


def test_limits_are_as_set():
    health = Health(SETTINGS)
    at_the_limit = alignment(coverage=0.2, inlier_ratio=0.5, score=0.4)
    assert health.doubts(replace(at_the_limit, coverage=torch.tensor([0.21])), 4.0) == ''
    assert Health(TrackingSettings(min_score=0.95)).doubts(alignment(), 1.0)


def test_a_score_far_below_those_before_is_doubted():
    health = Health(SETTINGS)
    assert health.doubts(alignment(score=0.6), 1.0) == ''
    for _ in range(5):
        health.learn(alignment(score=0.9))
    assert 'less than 0.72' in health.doubts(alignment(score=0.6), 1.0)
    assert health.doubts(alignment(score=0.75), 1.0) == ''


def test_the_baseline_follows_slow_changes():
    health = Health(SETTINGS)
    for score in torch.linspace(0.95, 0.5, 200).tolist():
        assert health.doubts(alignment(score=score), 1.0) == ''
        health.learn(alignment(score=score))
    assert health.doubts(alignment(score=0.42), 1.0)
