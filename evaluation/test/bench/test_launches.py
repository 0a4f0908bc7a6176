"""What a tracked image costs on a GPU: the counts may not grow."""

import re

import pytest
from evaluation_support.bags import record
from evaluation_support.sequences import room_sequence

from mesh_reloc_ros.cli.main import main


@pytest.fixture(scope='module')
def moving(room, tmp_path_factory):
    """Return a bag of images from a camera that needs a keyframe now and then."""
    return record(room_sequence(room, 24, step=1.0), tmp_path_factory.mktemp('moving') / 'bag')


def counts(text, name):
    return [int(number) for number in re.findall(rf'^{name}: (\d+)$', text, re.M)]


def test_a_tracked_image_takes_few_operations(room, moving, capsys):
    assert main(['bench', '--launches', '--mesh', str(room.mesh), '--bag', str(moving)]) == 0
    printed = capsys.readouterr().out
    assert counts(printed, 'operations') == [2]
    assert counts(printed, 'launches') == [3]
    assert counts(printed, 'host synchronisations') == [1]
    assert '0 operations, 0 launches, 0 host synchronisations' in printed


def test_a_recording_without_motion_is_refused(room, tmp_path, capsys):
    still = record(room_sequence(room, 4, step=0.0), tmp_path / 'bag')
    assert main(['bench', '--launches', '--mesh', str(room.mesh), '--bag', str(still)]) == 2
    assert 'too short' in capsys.readouterr().err
    assert main(['bench', '--launches']) == 2
    assert 'give --mesh' in capsys.readouterr().err
