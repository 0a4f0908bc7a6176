"""What a tracked image costs on a GPU: the counts may not grow."""

import re

import pytest
from evaluation_support.bags import record
from evaluation_support.sequences import room_sequence

from mesh_reloc_ros.cli.main import main

PARAMETERS = """
/**:
  ros__parameters:
    alignment: {max_iterations: 3, levels: 2, keyframe_motion: 0.03}
"""


@pytest.fixture(scope='module')
def moving(room, tmp_path_factory):
    """Return a bag of images from a camera that needs a keyframe now and then."""
    return record(room_sequence(room, 20, step=0.5), tmp_path_factory.mktemp('moving') / 'bag')


def counts(text, name):
    return [int(number) for number in re.findall(rf'^{name}: (\d+)$', text, re.M)]


def test_a_tracked_image_takes_few_operations(room, moving, tmp_path, capsys):
    """First with the solver on the CPU, then on the GPU."""
    # Triton's interpreter is slow. The counts are the same with more steps: they are in a graph.
    (tmp_path / 'few.yaml').write_text(PARAMETERS)
    words = ['--mesh', str(room.mesh), '--bag', str(moving), '--params', str(tmp_path / 'few.yaml')]
    assert main(['bench', '--launches', *words]) == 0
    printed = capsys.readouterr().out
    assert counts(printed, 'operations') == [2, 6]
    assert counts(printed, 'launches') == [3, 8]
    assert counts(printed, 'host synchronisations') == [1, 2]
    assert '0 operations, 0 launches, 0 host synchronisations' in printed
    assert '3 operations, 4 launches, 1 host synchronisations' in printed


def test_a_recording_without_motion_is_refused(room, tmp_path, capsys):
    still = record(room_sequence(room, 4, step=0.0), tmp_path / 'bag')
    assert main(['bench', '--launches', '--mesh', str(room.mesh), '--bag', str(still)]) == 2
    assert 'too short' in capsys.readouterr().err
    assert main(['bench', '--launches']) == 2
    assert 'give --mesh' in capsys.readouterr().err
