"""The study of the basin: its trials, where the methods result, the figures and the picture."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.study.basin.metrics import (
    ADAM,
    BOTH,
    HINTED,
    LM,
    Level,
    TrialResult,
    basin_table,
    notes,
    summarize,
)
from mesh_reloc_evaluation.study.basin.plot import draw_basin
from mesh_reloc_evaluation.study.basin.trials import (
    Methods,
    make_trials,
    run_trials,
    small_room_sequence,
)
from support.small_room import error

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene

COUNT = 4
NEAR, FAR = Level(1, 1), Level(15, 20)


Recording = tuple[Scene, PosedSequence]


@pytest.fixture(scope='module')
def recording() -> Recording:
    return small_room_sequence(COUNT)


@pytest.fixture(scope='module')
def results(recording: Recording) -> list[TrialResult]:
    levels = [(NEAR, COUNT), (FAR, COUNT)]
    return run_trials(*recording, Settings(), lm=levels, adam=[(NEAR, 1)])


def test_starts_are_as_far_off_as_they_say(recording: Recording):
    trials = list(make_trials(*recording, FAR, COUNT))
    assert [trial.frame.stamp_ns for trial in trials] == list(range(COUNT))
    for trial in trials:
        metres, degrees = error(trial.start, trial.truth)
        assert metres == pytest.approx(0.2 * trial.depth)
        assert degrees == pytest.approx(15)


def test_directions_are_the_same_at_every_level_and_differ_from_start_to_start(
    recording: Recording,
):
    near, far = (
        [trial.start[:3, 3] - trial.truth[:3, 3] for trial in make_trials(*recording, level, COUNT)]
        for level in (Level(1, 1), Level(20, 30))
    )
    near = near / np.linalg.norm(near, axis=1, keepdims=True)
    far = far / np.linalg.norm(far, axis=1, keepdims=True)
    assert near == pytest.approx(far)
    assert abs(near @ near.T - np.eye(COUNT)).max() < 0.99


def test_all_methods_find_the_truth_from_near_by(results: list[TrialResult]):
    near = [result for result in results if result.level == NEAR]
    assert {result.method for result in near} == {LM, HINTED, ADAM}
    assert all(result.right for result in near)
    assert all(result.hint_s is None for result in near)


def test_the_hint_finds_what_one_alignment_does_not(results: list[TrialResult]):
    plain, hinted = (
        [result for result in results if result.level == FAR and result.method == method]
        for method in (LM, HINTED)
    )
    assert len(plain) == len(hinted) == COUNT
    assert any(not result.right for result in plain)
    assert all(result.right for result in hinted)
    for before, after in zip(plain, hinted, strict=True):
        assert (after.hint_s is not None) == (not before.accepted)
        assert after.cpu_s >= before.cpu_s


def test_no_wrong_end_is_accepted(results: list[TrialResult]):
    assert not [result for result in results if result.accepted and not result.right]


def test_where_nothing_is_found_nothing_is_right(recording: Recording):
    trial = next(make_trials(*recording, Level(175, 0), 1))
    plain, hinted = Methods(recording[0], Settings()).lm(trial)
    assert not any(result.right or result.accepted for result in (plain, hinted))
    assert hinted.as_json()['share'] is None


def test_figures_count_right_ends_and_wrong_ones_that_were_accepted():
    share = (0.001, 0.001, 0.001, 0.2, 0.2)
    accepted = (True, True, False, True, False)
    results = [
        TrialResult(LM, NEAR, of, 0.1, is_accepted, cpu_s)
        for of, is_accepted, cpu_s in zip(share, accepted, (1, 2, 3, 4, 5), strict=True)
    ]
    (figures,) = summarize([*results])
    assert (figures['trials'], figures['right']) == (5, 3)
    assert figures['share'] == 0.6
    # The exact interval for 3 of 5.
    assert figures['low'] == pytest.approx(0.1466, abs=1e-4)
    assert figures['high'] == pytest.approx(0.9473, abs=1e-4)
    assert figures['wrong_accepted'] == 1
    assert figures['median_cpu_s'] == 3
    table = basin_table([figures])
    assert table.rows == [['1 deg, 1 %', '60%', '5', '1', '3.00', *['-'] * 8]]


def test_an_end_is_right_only_in_position_and_angle():
    assert TrialResult(LM, NEAR, 0.009, 0.9, True, 1.0).right
    assert not TrialResult(LM, NEAR, 0.011, 0.9, True, 1.0).right
    assert not TrialResult(LM, NEAR, 0.009, 1.1, True, 1.0).right


def test_lines_say_what_a_search_takes():
    results = [
        TrialResult(LM, FAR, 0.3, 40.0, False, 0.7),
        TrialResult(HINTED, FAR, 0.001, 0.1, True, 1.2, hint_s=0.5),
    ]
    lines = notes(results)
    assert 'right poses are at most 0.1 % off, wrong poses of lm at least 30 %' in lines[1]
    assert lines[2] == 'searches around a start pose: 1, median 0.50 s, maximum 0.50 s'


def test_the_picture_is_drawn(results: list[TrialResult], tmp_path: Path):
    draw_basin(tmp_path / 'basin.png', summarize(results))
    drawn = cv2.imread(str(tmp_path / 'basin.png'))
    assert drawn.shape[1] > 1000
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50


def test_the_command_writes_figures_and_a_picture(tmp_path: Path, capsys):
    output = tmp_path / 'study'
    arguments = ['study', 'basin', '--trials', '1', '--adam-trials', '0', '--output', str(output)]
    assert main(arguments) == 0
    content = json.loads((output / 'basin.json').read_text())
    levels = {(of['degrees'], of['percent']) for of in content['levels'] if of['method'] == HINTED}
    assert levels >= set(BOTH)
    assert len(content['ends']) == 2 * len(levels)
    assert (output / 'basin.png').is_file()
    printed = capsys.readouterr()
    assert '10 deg, 10 %' in printed.out
    assert printed.err == ''


@pytest.mark.parametrize(
    'arguments',
    [['--trials', '0'], ['--adam-trials', '-1'], ['--bag', 'nowhere'], ['--mesh', 'nowhere.obj']],
)
def test_unusable_arguments_are_said_in_one_line(tmp_path: Path, capsys, arguments: list[str]):
    assert main(['study', 'basin', '--output', str(tmp_path), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
