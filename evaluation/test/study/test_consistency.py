"""The study of consistency: errors are as large as the covariance says, and the report says so."""

import json

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.study.consistency.metrics import band_of_mean, nees, summarize
from mesh_reloc_evaluation.study.consistency.trials import (
    NOISES,
    run_trials,
    small_room_viewpoints,
)

from mesh_reloc_ros.cli.main import main

TRIALS = 60


@pytest.fixture(scope='module')
def viewpoints():
    return small_room_viewpoints()


@pytest.mark.parametrize('name', ['white 5', 'grain 10', 'clouds 20'])
def test_the_nees_is_in_its_band_whatever_the_noise(viewpoints, name):
    noise = next(noise for noise in NOISES if noise.name == name)
    trials = run_trials(viewpoints, noise, TRIALS, map_error_scale=0.0, seed=2)
    figures = summarize(trials.errors, trials.covariances)
    low, high = band_of_mean(TRIALS)
    assert low < figures['mean_nees'] < high
    assert figures['within_95'] > 0.85
    # No part of the pose takes the blame for another: each axis is right to within a third.
    ratios = np.array(figures['error_rms']) / figures['sigma_rms']
    assert ((ratios > 0.7) & (ratios < 1.4)).all(), ratios


def test_a_covariance_that_is_off_by_two_is_out_of_the_band():
    rng = np.random.default_rng(8)
    root = rng.normal(size=(6, 6))
    covariances = np.repeat((root @ root.T)[None], TRIALS, axis=0)
    errors = rng.normal(size=(TRIALS, 6)) @ root.T
    low, high = band_of_mean(TRIALS)
    assert low < nees(errors, covariances).mean() < high
    assert nees(errors, 2 * covariances).mean() < low
    assert nees(errors, covariances / 2).mean() > high


def test_the_command_writes_figures_and_a_picture(tmp_path, capsys):
    output = tmp_path / 'study'
    arguments = ['study', 'consistency', '--trials', '2', '--output', str(output)]
    assert main(arguments) == 0
    content = json.loads((output / 'consistency.json').read_text())
    assert set(content['noises']) == {noise.name for noise in NOISES}
    for figures in content['noises'].values():
        assert figures['trials'] == len(figures['nees']) == 2
        assert np.isfinite(figures['nees']).all()
    picture = cv2.imread(str(output / 'consistency.png'))
    assert picture.shape[1] > 1000
    printed = capsys.readouterr()
    assert 'clouds 20' in printed.out
    assert printed.err == ''


@pytest.mark.parametrize(
    'arguments', [['--trials', '0'], ['--map-error-scale', '-1'], ['--bag', 'nowhere']]
)
def test_unusable_arguments_are_said_in_one_line(tmp_path, capsys, arguments):
    assert main(['study', 'consistency', '--output', str(tmp_path), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
