"""The study of trust: its trials, what comes of them, and the picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.study.trust.evaluator import TrialEvaluator
from mesh_reloc_evaluation.study.trust.metrics import TrialResult, notes, trust_table
from mesh_reloc_evaluation.study.trust.plot import draw_trust
from mesh_reloc_evaluation.study.trust.trials import Trial, make_trials
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.types.frame import Frame

COUNT = 2


def noise(number: int) -> np.ndarray:
    shape = (CAMERA.height, CAMERA.width, 3)
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope='module')
def trials(room: SmallRoom) -> list[Trial]:
    poses = np.array([pose_at(step) for step in range(0, 40, 10)])
    frames = [
        Frame(number, photographed(room.view(pose), number), CAMERA)
        for number, pose in enumerate(poses)
    ]
    return list(make_trials(PosedSequence(frames, poses), COUNT, noise))


@pytest.fixture(scope='module')
def results(room: SmallRoom, trials: list[Trial]) -> list[TrialResult]:
    """Return what comes of the trials of the first image."""
    evaluator = TrialEvaluator(room.scene, Settings())
    return [evaluator.evaluate(trial) for trial in trials if trial.frame.stamp_ns == 0]


def test_trials_start_as_far_off_as_they_say(trials: list[Trial]):
    far = [trial for trial in trials if trial.kind.startswith('from 0.3 m')]
    assert len(far) == COUNT
    for trial in far:
        assert error(trial.start, trial.truth) == pytest.approx((0.3, 10.0), rel=1e-6)


def test_what_shows_nothing_of_the_map_has_no_right_pose(trials: list[Trial]):
    for kind, number in (('mirrored', 1), ('upside down', 1), ('out of map', 2)):
        some = [trial for trial in trials if trial.kind == kind]
        assert len(some) == number * COUNT
        assert all(trial.truth is None for trial in some)


def test_images_are_spread_over_the_recording(trials: list[Trial]):
    near = [trial.frame.stamp_ns for trial in trials if trial.kind == 'near']
    assert near == [0, 3]


def test_right_poses_are_trusted_and_wrong_ones_are_not(results: list[TrialResult]):
    near = [result for result in results if result.kind == 'near']
    assert all(result.right and result.trusted for result in near)
    for result in results:
        if not result.right:
            assert not result.trusted, result.kind
    others = ('mirrored', 'upside down', 'out of map')
    assert not any(result.right for result in results if result.kind in others)


def test_each_step_lets_fewer_pass(results: list[TrialResult]):
    for result in results:
        assert result.tracks >= result.acquires >= result.confirmed >= result.trusted


def test_the_table_counts_every_alignment_once(results: list[TrialResult]):
    table = trust_table(results)
    totals = {row[1]: row[2:] for row in table.rows if row[0] == 'all'}
    assert int(totals['right'][0]) + int(totals['wrong'][0]) == len(results)
    assert int(totals['right'][-1]) == sum(result.trusted for result in results)
    assert totals['wrong'][-1] == '0'
    kinds = [row for row in table.rows if row[0] != 'all']
    assert sum(int(row[2]) for row in kinds) == len(results)


def test_lines_say_how_far_right_and_wrong_are_apart():
    right = {'score': 0.9, 'inlier_ratio': 0.8}
    wrong = {'score': 0.3, 'inlier_ratio': float('nan')}
    results = [
        TrialResult('near', True, right, True, True, True, True),
        TrialResult('near', False, wrong, False, False, False, False),
        TrialResult('focal length +5%', False, right, True, True, True, False),
    ]
    assert notes(results) == [
        'score: right poses at least 0.90 (5th percentile 0.90), wrong poses at most 0.30 (95th'
        ' percentile 0.30), without wrong focal lengths'
    ]


def test_the_picture_is_drawn(results: list[TrialResult], tmp_path: Path):
    draw_trust(tmp_path / 'trust.png', results, Settings().tracking)
    drawn = cv2.imread(str(tmp_path / 'trust.png'))
    assert drawn.shape[1] > 1000
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50
    assert [path.name for path in tmp_path.iterdir()] == ['trust.png']
