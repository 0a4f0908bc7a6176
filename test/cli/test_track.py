"""`mesh_reloc track`: what it writes, and what it says of input that it cannot use."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.bag_writer import (
    CAMERA_INFO_TOPIC,
    IMAGE_TOPIC,
    camera_info,
    compressed,
    write_bag,
)
from support.patience import LONG_S
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.tum import read_tum, write_tum
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

BEGIN_NS = 1_700_000_000_000_000_001
STEP_NS = 40_000_000
COUNT, BLACK = 8, 5
"""Images in the recording, and which of them is black."""

# Fails every import of ROS, as on a machine that has none.
WITHOUT_ROS = """
import sys
class NoRos:
    def find_spec(self, name, path=None, target=None):
        root = name.split('.')[0]
        if root in ('rclpy', 'rpyutils', 'tf2_ros', 'cv_bridge') or root.endswith('_msgs'):
            raise ImportError(f'no ROS here: {name}')
sys.meta_path.insert(0, NoRos())
from mesh_reloc_ros.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def shot(room: SmallRoom, index: int) -> bytes:
    """Return an image as an encoded file."""
    image = photographed(room.view(pose_at(0.3 * index)), index)
    if index == BLACK:
        image = np.zeros_like(image)
    return cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def write_shots(folder: Path, shots: list[bytes], camera: Camera = CAMERA) -> Path:
    messages = []
    for index, data in enumerate(shots):
        stamp_ns = BEGIN_NS + index * STEP_NS
        messages.append((CAMERA_INFO_TOPIC, stamp_ns, camera_info(camera, stamp_ns)))
        messages.append((IMAGE_TOPIC, stamp_ns, compressed(data, stamp_ns)))
    return write_bag(folder, messages)


def start_pose() -> str:
    return ' '.join(f'{number:.9f}' for number in pose_to_numbers(pose_at(0)))


@pytest.fixture(scope='module')
def bag(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('recording') / 'bag'
    return write_shots(folder, [shot(room, index) for index in range(COUNT)])


@pytest.fixture
def arguments(room: SmallRoom, bag: Path, tmp_path: Path) -> dict[str, str]:
    """Return the arguments of a run that succeeds."""
    return {
        '--mesh': str(room.mesh),
        '--bag': str(bag),
        '--initial-pose': start_pose(),
        '--output': str(tmp_path / 'out.tum'),
    }


def listed(arguments: dict[str, str]) -> list[str]:
    return ['track', *(word for pair in arguments.items() for word in pair)]


@pytest.fixture(scope='module')
def outputs(room: SmallRoom, bag: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of out.tum and out.json of a run as a process of its own, without ROS."""
    folder = tmp_path_factory.mktemp('outputs')
    words = {
        '--mesh': str(room.mesh),
        '--bag': str(bag),
        '--initial-pose': start_pose(),
        '--output': str(folder / 'out.tum'),
        '--report': str(folder / 'out.json'),
    }
    run = subprocess.run(
        [sys.executable, '-c', WITHOUT_ROS, *listed(words)],
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert '7 of 8 images' in run.stdout
    assert f'mesh {room.mesh.name}: it measures' in run.stdout
    return folder


def test_the_trajectory_holds_the_poses_that_are_trusted(outputs):
    assert sorted(path.name for path in outputs.iterdir()) == ['out.json', 'out.tum']
    trajectory = read_tum(outputs / 'out.tum')
    published = [index for index in range(COUNT) if index != BLACK]
    assert trajectory.stamps_ns.tolist() == [BEGIN_NS + index * STEP_NS for index in published]
    for index, pose in zip(published, trajectory.poses, strict=True):
        metres, degrees = error(pose, pose_at(0.3 * index))
        assert metres < 0.01
        assert degrees < 0.2
    for line in (outputs / 'out.tum').read_text().splitlines():
        numbers = [float(word) for word in line.split()]
        assert len(numbers) == 8
        assert np.linalg.norm(numbers[4:]) == pytest.approx(1, abs=1e-6)


def test_the_report_has_an_entry_for_every_image(outputs):
    report = json.loads((outputs / 'out.json').read_text())
    assert set(report) == {'summary', 'left_out', 'frames'}
    assert report['left_out'] == []
    assert report['summary']['images'] == COUNT
    assert report['summary']['published'] == COUNT - 1
    assert len(report['frames']) == COUNT
    for index, entry in enumerate(report['frames']):
        assert entry['stamp'] == pytest.approx((BEGIN_NS + index * STEP_NS) * 1e-9, abs=1e-6)
        assert entry['state'] == ('UNSURE' if index == BLACK else 'TRACKING')
        assert entry['trusted'] is (index != BLACK)
        assert bool(entry['reason']) is (index == BLACK)
        assert entry['score'] > 0.8 or index == BLACK
        assert isinstance(entry['iterations'], int)
        covariance = np.array(entry['covariance'])
        assert covariance.shape == (36,)
        covariance = covariance.reshape(6, 6)
        np.testing.assert_allclose(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance).min() > 0
        stages = entry['stages_ms']
        assert all(milliseconds >= 0 for milliseconds in stages.values())
        assert entry['latency_ms'] == stages['total'] > 0


def test_an_unusable_input_ends_the_process_with_status_2_and_one_line(arguments):
    """As a process of its own; the cases below run the same function in this one."""
    arguments['--reference-cameras'] = 'nowhere/images.bin'
    run = subprocess.run(
        [sys.executable, '-m', 'mesh_reloc_ros.cli.main', *listed(arguments)],
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line == 'mesh_reloc track: reference cameras nowhere/images.bin: no such file'


def test_without_a_start_pose_the_camera_is_found(arguments, tmp_path):
    del arguments['--initial-pose']
    cameras = tmp_path / 'cameras.tum'
    write_tum(cameras, Trajectory(np.arange(2), np.array([pose_at(-2), pose_at(8)])))
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text(
        '/**:\n  ros__parameters:\n    relocalization:\n      viewpoint_spacing: 0.8\n'
    )
    arguments['--params'] = str(parameters)
    for more in ({}, {'--reference-cameras': str(cameras)}):
        arguments['--output'] = str(tmp_path / 'found.tum')
        assert main(listed({**arguments, **more})) == 0
        found = read_tum(tmp_path / 'found.tum')
        assert len(found) == COUNT - 1
        for stamp_ns, pose in zip(found.stamps_ns, found.poses, strict=True):
            metres, degrees = error(pose, pose_at(0.3 * (stamp_ns - BEGIN_NS) / STEP_NS))
            assert metres < 0.01
            assert degrees < 0.2


def test_without_a_start_pose_and_a_search_there_is_nothing_to_go_by(arguments, tmp_path, capsys):
    del arguments['--initial-pose']
    (tmp_path / 'parameters.yaml').write_text(
        '/**:\n  ros__parameters:\n    relocalization:\n      enabled: false\n'
    )
    arguments['--params'] = str(tmp_path / 'parameters.yaml')
    assert main(listed(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mesh_reloc track: no start pose: give --initial-pose')


def test_a_span_and_other_solvers_and_parameters_can_be_asked_for(arguments, tmp_path):
    (tmp_path / 'parameters.yaml').write_text(
        '/**:\n  ros__parameters:\n    mesh: unused\n    rasterizer: pytorch3d\n'
        '    tracking:\n      min_score: 1.0\n'
    )
    arguments.update(
        {
            '--start': '0.0',
            '--end': '0.05',
            '--params': str(tmp_path / 'parameters.yaml'),
            '--rasterizer': 'embree',
            '--report': str(tmp_path / 'out.json'),
        }
    )
    assert main(listed(arguments)) == 0
    # No score reaches 1, so nothing is published; two images lie in the span.
    assert read_tum(tmp_path / 'out.tum').stamps_ns.tolist() == []
    assert len(json.loads((tmp_path / 'out.json').read_text())['frames']) == 2


def refusal(arguments: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line on stderr of a run that ends with status 2 and writes nothing."""
    output = Path(arguments['--output'])
    beside = sorted(output.parent.iterdir()) if output.parent.is_dir() else []
    capsys.readouterr()
    assert main(listed(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mesh_reloc track: ')
    assert beside == (sorted(output.parent.iterdir()) if output.parent.is_dir() else [])
    return line


@pytest.mark.parametrize(
    ('argument', 'value', 'words'),
    [
        ('--mesh', 'nowhere.obj', 'mesh nowhere.obj does not exist'),
        ('--bag', 'nowhere', 'bag nowhere: no such folder'),
        ('--initial-pose', 'nan 0 0 0 0 0 1', 'finite'),
        ('--initial-pose', '0 0 0 0 0 0 0', 'quaternion is zero'),
        ('--initial-pose', '0 0 0 1', 'expected 7 numbers'),
        ('--initial-pose', '0 0 0 0 0 0 one', "'one'"),
        ('--image-topic', '/nowhere', 'no image topic /nowhere; it has: /camera/image_rect'),
        ('--camera-info-topic', '/nowhere', 'no camera-info topic /nowhere'),
        ('--output', 'no/such/folder/out.tum', 'folder no/such/folder does not exist'),
        ('--report', 'no/such/folder/out.json', 'folder no/such/folder does not exist'),
        ('--params', 'nowhere.yaml', 'parameter file nowhere.yaml cannot be read'),
        ('--start', '100', 'no images from 100'),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(arguments, capsys, argument, value, words):
    arguments[argument] = value
    assert words in refusal(arguments, capsys)


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ('alignment: {levls: 3}', 'there is no parameter alignment.levls'),
        ('overlay: {tnt: 0.1}', 'there is no parameter overlay.tnt'),
        ('alignment: {levels: 300}', 'parameter alignment.levels: 300 is outside 1 to 8'),
        ('solver: guess', "parameter solver: expected one of lm, adam, got 'guess'"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(arguments, capsys, tmp_path, parameters, words):
    path = tmp_path / 'parameters.yaml'
    path.write_text(f'/**:\n  ros__parameters:\n    {parameters}\n')
    arguments['--params'] = str(path)
    assert words in refusal(arguments, capsys)


def test_a_mesh_without_faces_is_named(arguments, capsys, tmp_path):
    arguments['--mesh'] = str(tmp_path / 'empty.obj')
    (tmp_path / 'empty.obj').write_text('')
    assert 'empty.obj has no faces' in refusal(arguments, capsys)


def test_a_bag_without_images_is_named(arguments, capsys, tmp_path):
    write_bag(tmp_path / 'empty', [(CAMERA_INFO_TOPIC, BEGIN_NS, camera_info(CAMERA, BEGIN_NS))])
    arguments['--bag'] = str(tmp_path / 'empty')
    assert 'no image messages' in refusal(arguments, capsys)


def test_images_of_another_size_than_camera_info_are_refused(room, arguments, capsys, tmp_path):
    write_shots(tmp_path / 'other', [shot(room, 0)], replace(CAMERA, width=640))
    arguments['--bag'] = str(tmp_path / 'other')
    assert 'image is 320x240 but camera_info says 640x240' in refusal(arguments, capsys)


def test_an_image_that_cannot_be_decoded_is_left_out(room, arguments, capsys, tmp_path):
    shots = [shot(room, 0), b'not a picture', shot(room, 2), shot(room, 3)[:2000]]
    arguments['--bag'] = str(write_shots(tmp_path / 'broken', shots))
    arguments['--report'] = str(tmp_path / 'out.json')
    assert main(listed(arguments)) == 0
    assert read_tum(tmp_path / 'out.tum').stamps_ns.tolist() == [BEGIN_NS, BEGIN_NS + 2 * STEP_NS]
    said = capsys.readouterr().out
    assert "1 image left out (0.040 s): compressed image of format 'rgb8; jpeg" in said
    left_out = json.loads((tmp_path / 'out.json').read_text())['left_out']
    assert [(group['kind'], group['count']) for group in left_out] == [('image', 1), ('image', 1)]


def test_poses_are_in_the_order_of_time_where_a_recording_goes_back(room, arguments, tmp_path):
    stamps = [BEGIN_NS + seconds * 10**9 for seconds in (10, 11, 0, 1, 2)]
    messages = []
    for number, stamp_ns in enumerate(stamps):
        recorded_ns = BEGIN_NS + number
        messages.append((CAMERA_INFO_TOPIC, recorded_ns, camera_info(CAMERA, stamp_ns)))
        messages.append((IMAGE_TOPIC, recorded_ns, compressed(shot(room, 0), stamp_ns)))
    arguments['--bag'] = str(write_bag(tmp_path / 'loop', messages))
    arguments['--report'] = str(tmp_path / 'out.json')
    assert main(listed(arguments)) == 0
    found = read_tum(tmp_path / 'out.tum').stamps_ns
    frames = json.loads((tmp_path / 'out.json').read_text())['frames']
    assert [entry['rejection'] for entry in frames].count('out_of_order') == 1
    lines = (tmp_path / 'out.tum').read_text().splitlines()
    written = [line.split()[0] for line in lines]
    assert written == sorted(written)
    # The first image after the jump back is late, for all that is known.
    assert found.tolist() == sorted(stamp for stamp in stamps if stamp != BEGIN_NS)


def test_a_bag_of_which_no_image_can_be_decoded_is_refused(arguments, capsys, tmp_path):
    arguments['--bag'] = str(write_shots(tmp_path / 'broken', [b'not a picture', b'nor this']))
    assert 'none of its images can be used: compressed image' in refusal(arguments, capsys)


def test_an_output_that_cannot_be_written_is_named(arguments, capsys, tmp_path):
    (tmp_path / 'taken').mkdir()
    arguments['--output'] = str(tmp_path / 'taken')
    assert 'taken' in refusal(arguments, capsys)


def test_a_gpu_that_is_not_there_is_named(arguments, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    arguments['--device'] = 'cuda'
    assert 'device cuda: PyTorch finds no GPU' in refusal(arguments, capsys)


def test_arguments_that_do_not_exist_end_with_status_2(capsys):
    for words in ([], ['fly'], ['track'], ['track', '--mesh', 'a', '--speed', '9']):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 2
        assert 'mesh_reloc' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [[], ['track'], ['track', '--mesh'], ['dance']])
def test_wrong_arguments_are_told_in_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith('--help')
