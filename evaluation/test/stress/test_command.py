"""`mesh_reloc stress` as a whole, and what it says of input that it cannot use."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation_support.bags import copy_without_truth
from mesh_reloc_evaluation.stress import run as stress_run
from support.small_room import SmallRoom

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.types.estimate import PoseEstimate, State

FAULTS = 'clean,start:2,black:2,kidnap:1,noise:1'


PARAMETERS = """
/**:
  ros__parameters:
    relocalization: {viewpoint_spacing: 1.0, candidates: 10}
"""


def stress(room: SmallRoom, recording: Path, output: Path, *more: str) -> int:
    parameters = output.with_name(f'{output.name}.yaml')
    parameters.write_text(PARAMETERS)
    words = ['--mesh', str(room.mesh), '--bag', str(recording), '--output', str(output)]
    return main(['stress', *words, '--params', str(parameters), '--device', 'cpu', *more])


@pytest.fixture(scope='module')
def run(room, recording, elsewhere, tmp_path_factory):
    """Return the folder and the output of a quick run."""
    folder = tmp_path_factory.mktemp('stress') / 'out'
    with pytest.MonkeyPatch.context() as patch:
        capture = io.StringIO()
        patch.setattr('sys.stdout', capture)
        words = (
            '--quick',
            '--faults',
            FAULTS,
            '--out-of-map',
            '2',
            '--out-of-map-bag',
            str(elsewhere),
        )
        status = stress(room, recording, folder, *words)
    return folder, capture.getvalue(), status


@pytest.fixture(scope='module')
def content(run):
    return json.loads((run[0] / 'stress.json').read_text())


def test_the_tracker_comes_through_on_an_easy_clip(content):
    cases = {case['name']: case for case in content['cases']}
    assert list(cases) == FAULTS.replace('clean', 'clean:1').split(',')
    assert cases['clean:1']['published']['before'] == cases['clean:1']['images']['before'] > 20
    assert cases['black:2']['published']['fault'] == 0
    assert cases['black:2']['recovery_s'] is not None
    assert cases['noise:1']['published']['fault'] > 20
    for case in cases.values():
        assert case['wrong'] == 0
        signs = case['trace'].replace('|', '')
        assert len(signs) == len(case['states']) == sum(case['images'].values())
        assert signs.count('+') == sum(case['published'].values())


def test_the_summary_is_that_of_the_cases(content):
    cases = [case for case in content['cases'] if case['fault'] != 'start']
    of = content['summary']['faults']
    assert of['cases'] == len(cases)
    for part, names in (('clean', ('before', 'after')), ('fault', ('fault',))):
        for total, key in ((f'{part}_images', 'images'), (f'{part}_published', 'published')):
            assert of[total] == sum(case[key][name] for case in cases for name in names)
    assert sum(row['cases'] for row in content['faults']) == len(content['cases'])
    starts = content['summary']['starts']
    assert starts['cases'] == starts['soon'] == 1
    assert starts['wrong'] == 0
    assert of['recoveries'] == sum(case['images']['after'] > 0 for case in cases)


def test_out_of_map_images_are_not_localized(content):
    assert list(content['out_of_map']) == ['starting', 'tracking', 'lost']
    for of_state in content['out_of_map'].values():
        assert of_state['shown'] == 2
        assert of_state['localized'] == []
        assert len(of_state['work_s']) == 2


def test_the_table_is_printed_and_written(run):
    folder, printed, status = run
    assert status == 0
    markdown = (folder / 'table.md').read_text()
    for text in (printed, markdown):
        for words in ('Wrong poses published: 0 of', 'Clean images published', 'kidnap'):
            assert words in text
    assert 'photograph' in markdown


def test_the_pictures_are_there_and_nothing_else(run):
    names = {path.name for path in run[0].iterdir()}
    assert names == {'table.md', 'stress.json', 'stress.png', 'faults.png', 'out_of_map.png'}
    for path in run[0].glob('*.png'):
        picture = cv2.imread(str(path))
        assert picture.shape[1] > 600
        assert picture.std() > 10


class Liar:
    """Publishes the same pose for every image."""

    def track(self, frame) -> PoseEstimate:
        return PoseEstimate(frame.stamp_ns, State.TRACKING, None, '', np.eye(4), np.eye(6))

    def look_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_wrong_poses_end_with_status_1_and_are_named(
    room, recording, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(stress_run, 'tracker_maker', lambda *_, **__: lambda start: Liar())
    words = ('--quick', '--faults', 'black:1,kidnap:2', '--out-of-map', '3')
    assert stress(room, recording, tmp_path / 'out', *words) == 1
    out = capsys.readouterr().out
    count = json.loads((tmp_path / 'out' / 'stress.json').read_text())['summary']['faults']['wrong']
    assert f'{count} wrong poses were published' in out
    assert '--faults' in out.splitlines()[-2]
    assert 'out-of-map images were localized' in out.splitlines()[-1]


def refusal(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    capsys.readouterr()
    assert main(['stress', *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mesh_reloc stress: ')
    return line


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        (['--faults', 'nothing'], "--faults 'nothing': choose from clean, start, black"),
        (['--out-of-map', '-1'], '--out-of-map -1: give 0 or more'),
        (['--moments', '0'], '--moments 0: give 1 or more'),
        (['--out-of-map-bag', 'nowhere'], 'bag nowhere: no such folder'),
        (['--end', '0.1'], 'images of bag'),
        (['--start', '100'], 'no images from 100'),
    ],
)
def test_unusable_arguments_get_one_line(room, recording, tmp_path, capsys, more, words):
    given = ['--mesh', str(room.mesh), '--bag', str(recording), '--output', str(tmp_path / 'out')]
    assert words in refusal(capsys, [*given, *more])


def test_the_former_option_for_out_of_map_images_works_with_a_warning(room, recording, capsys):
    given = ['--mesh', str(room.mesh), '--bag', str(recording)]
    assert main(['stress', *given, '--foreign', '-1']) == 2
    warning, refused = capsys.readouterr().err.splitlines()
    assert '--foreign is deprecated: use --out-of-map' in warning
    assert '--out-of-map -1: give 0 or more' in refused


def test_a_mesh_needs_a_bag_and_a_bag_a_mesh(room, recording, capsys):
    assert 'give both --mesh and --bag' in refusal(capsys, ['--mesh', str(room.mesh)])
    assert 'give both --mesh and --bag' in refusal(capsys, ['--bag', str(recording)])


def test_true_poses_are_required(room, recording, tmp_path, capsys):
    untrue = copy_without_truth(recording, tmp_path / 'bag')
    words = ['--mesh', str(room.mesh), '--bag', str(untrue), '--output', str(tmp_path / 'out')]
    assert 'no true poses' in refusal(capsys, words)
    assert '--ground-truth' in refusal(capsys, words)
