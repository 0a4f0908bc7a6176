"""`mesh_reloc bench` as a whole, and what it says of input that it cannot use."""

import dataclasses
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation_support.sequences import BEGIN_NS, PERIOD_NS
from mesh_reloc_evaluation.bench import scale
from mesh_reloc_evaluation.obj_file import write_obj
from support.small_room import SmallRoom, pose_at, small_room_mesh

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.pose import pose_to_numbers, shifted
from mesh_reloc_ros.types.trajectory import Trajectory

COUNT = 9
PARAMETERS = """
/**:
  ros__parameters:
    adam: {iterations: 2}
"""


def start_pose(index: int = 0) -> str:
    return ' '.join(f'{number:.9f}' for number in pose_to_numbers(pose_at(0.3 * index)))


def bench(room: SmallRoom, recording: Path, output: Path, *more: str) -> int:
    words = ['--mesh', str(room.mesh), '--bag', str(recording), '--output', str(output)]
    return main(['bench', *words, '--device', 'cpu', *more])


@pytest.fixture(scope='module')
def run(room, recording, tmp_path_factory):
    """Return the folder and the output of a run with everything, on small meshes and images."""
    folder = tmp_path_factory.mktemp('bench')
    parameters = folder / 'parameters.yaml'
    parameters.write_text(PARAMETERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, 'FACES', (5000, 20_000))
        patch.setattr(scale, 'SIZES', ((320, 240), (480, 270)))
        capture = io.StringIO()
        patch.setattr('sys.stdout', capture)
        options = ('--params', str(parameters), '--adam-images', '1', '--profile', '--scale')
        assert bench(room, recording, folder / 'out', *options) == 0
    return folder / 'out', capture.getvalue()


@pytest.fixture(scope='module')
def content(run):
    return json.loads((run[0] / 'bench.json').read_text())


def test_a_mesh_far_from_zero_is_measured_alike(room, recording, tmp_path):
    offset = np.array([500_123.25, 4_649_776.5, 312.0])
    write_obj(tmp_path / 'far.obj', dataclasses.replace(small_room_mesh(), origin=offset))
    with ImageBag(recording) as bag:
        truth = bag.ground_truth()
    far = Trajectory(truth.stamps_ns, shifted(truth.poses, offset))
    write_tum(tmp_path / 'far.tum', far)
    options = ('--ground-truth', str(tmp_path / 'far.tum'), '--methods', 'lm')
    moved = SmallRoom(tmp_path / 'far.obj')
    assert bench(moved, recording, tmp_path / 'out', *options) == 0
    figures = json.loads((tmp_path / 'out' / 'bench.json').read_text())['methods']['lm']
    assert figures['median_cm'] < 1


def test_every_method_is_accurate_on_an_easy_clip_and_summed_up(content):
    methods = content['methods']
    assert list(methods) == ['lm', 'sift', 'orb', 'adam']
    for name, figures in methods.items():
        images = 1 if name == 'adam' else COUNT
        assert figures['images'] == figures['answers'] == len(figures['frames']) == images
        assert figures['latency_ms_p50'] <= figures['latency_ms_p95'] <= figures['latency_ms_p99']
        assert figures['cpu_s_per_image'] > 0
        assert figures['memory_mib'] > 50
        assert figures['wrong'] == 0
        assert figures['time_ratio'] == figures['latency_ms_p50'] / methods['lm']['latency_ms_p50']
        assert figures['error_ratio'] == figures['median_cm'] / methods['lm']['median_cm']
    for name in ('lm', 'sift', 'orb'):
        assert methods[name]['median_cm'] < 1.0
        assert methods[name]['recall'] > 0.8
    assert 'between_ms_p50' in methods['lm']
    assert methods['sift']['setup_s'] > 0


def test_figures_of_images_are_kept(content):
    frames = content['methods']['lm']['frames']
    cm = [frame['error_cm'] for frame in frames]
    assert np.median(cm) == pytest.approx(content['methods']['lm']['median_cm'])
    latencies = [frame['latency_ms'] for frame in frames]
    assert np.median(latencies) == pytest.approx(content['methods']['lm']['latency_ms_p50'])
    for frame in frames:
        assert frame['stages_ms']['total'] <= frame['latency_ms']


def test_the_stages_of_lm_add_up_to_its_latency(content):
    stages = content['profile']
    assert {'solve', 'other', 'look ahead'} <= set(stages)
    shares = [of['share'] for name, of in stages.items() if name != 'look ahead']
    assert sum(shares) == pytest.approx(1)


def test_the_mesh_and_the_images_grow(content):
    faces, sizes = content['scale']['faces'], content['scale']['sizes']
    assert [row['faces'] for row in faces] == pytest.approx([12, 5000, 20_000], abs=1)
    assert [(row['width'], row['height']) for row in sizes] == [(320, 240), (480, 270)]
    for row in (*faces, *sizes):
        assert row['answers'] == row['images'] == COUNT
        assert row['median_cm'] < 1.0
    assert all(row['load_s'] > 0 for row in faces)


def test_little_flow_remains_on_an_exact_mesh(content):
    flow = content['residual_flow']
    assert flow['pixels'] > 1000
    assert flow['median_px'] < 0.2


def test_the_table_is_printed_and_written(run):
    folder, printed = run
    markdown = (folder / 'table.md').read_text()
    for text in (printed, markdown):
        assert 'CPU s' in text
        assert 'look ahead' in text
        assert '480x270' in text
        assert 'torch' in text
    rows = [line for line in markdown.splitlines() if line.startswith('| ')]
    assert [row.split(' | ')[0] for row in rows[2:6]] == ['| lm', '| sift', '| orb', '| adam']
    assert len({row.count('|') for row in rows[:6]}) == 1


def test_the_pictures_are_there_and_nothing_else(run):
    names = {path.name for path in run[0].iterdir()}
    pictures = {'bench.png', 'profile.png', 'scale.png', 'residual_flow.png'}
    assert names == {'bench.json', 'table.md', *pictures}
    for name in pictures:
        assert cv2.imread(str(run[0] / name)).std() > 5


def test_without_truth_there_are_times_but_no_errors(
    room, recording, tmp_path, capsys, without_truth
):
    options = ('--initial-pose', start_pose(), '--methods', 'orb,lm')
    assert bench(room, without_truth, tmp_path / 'out', *options) == 0
    assert 'No true poses' in capsys.readouterr().out
    methods = json.loads((tmp_path / 'out' / 'bench.json').read_text())['methods']
    assert list(methods) == ['lm', 'orb']
    assert methods['orb']['answers'] == COUNT
    assert 'median_cm' not in methods['lm']
    assert methods['lm']['frames'][0]['error_cm'] is None
    row = (tmp_path / 'out' / 'table.md').read_text().splitlines()[4].split(' | ')
    assert row[2:8] == ['-'] * 6


def test_a_file_of_true_poses_goes_before_those_of_the_bag(room, recording, tmp_path):
    stamps = BEGIN_NS + np.arange(COUNT) * PERIOD_NS
    poses = np.array([pose_at(0.3 * index) for index in range(COUNT)])
    poses[:, 2, 3] += 0.06
    write_tum(tmp_path / 'truth.tum', Trajectory(stamps, poses))
    options = ('--ground-truth', str(tmp_path / 'truth.tum'), '--methods', 'lm')
    assert bench(room, recording, tmp_path / 'out', *options) == 0
    figures = json.loads((tmp_path / 'out' / 'bench.json').read_text())['methods']['lm']
    assert figures['median_cm'] == pytest.approx(6, abs=0.6)
    assert figures['recall'] == 0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--methods', 'lm,surf'), "--methods 'lm,surf': choose from lm, sift, orb, adam"),
        (('--methods', ','), 'choose from lm, sift, orb, adam'),
        (('--adam-images', '0'), '--adam-images 0: give 1 or more'),
        (('--start', '5'), 'has no images from 5 to inf s'),
        (('--ground-truth', 'none.tum'), 'trajectory none.tum cannot be read'),
        (('--initial-pose', '1 2 3'), 'pose: expected 7 numbers'),
    ],
)
def test_unusable_arguments_are_refused_in_a_line(
    room, recording, tmp_path, capsys, options, message
):
    assert bench(room, recording, tmp_path / 'out', *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_without_a_pose_to_start_at_it_says_what_to_give(room, without_truth, tmp_path, capsys):
    assert bench(room, without_truth, tmp_path / 'out') == 2
    assert 'give --initial-pose' in capsys.readouterr().err


def test_features_need_a_path_for_their_keyframes(room, without_truth, tmp_path, capsys):
    options = ('--initial-pose', start_pose(), '--methods', 'sift')
    assert bench(room, without_truth, tmp_path / 'out', *options) == 2
    assert 'add lm to --methods' in capsys.readouterr().err


def test_true_poses_of_another_recording_are_refused(room, recording, tmp_path, capsys):
    write_tum(tmp_path / 'other.tum', Trajectory(np.array([10**12]), np.eye(4)[None]))
    options = ('--ground-truth', str(tmp_path / 'other.tum'), '--initial-pose', start_pose())
    assert bench(room, recording, tmp_path / 'out', *options) == 2
    assert 'no pose within 5 ms of an image' in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_refused_at_once(room, recording, tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert bench(room, recording, tmp_path / 'file' / 'out') == 2
    output = capsys.readouterr()
    assert 'cannot be written' in output.err
    assert 'loading' not in output.out
