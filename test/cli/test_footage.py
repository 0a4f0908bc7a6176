"""`mesh_reloc track` on videos and image files, and the overlay video that it writes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.trajectory_errors import pose_errors
from support.footage import run_ffmpeg, write_camera, write_video
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

COUNT, RATE = 8, 25.0
START = ' '.join(f'{number:.9f}' for number in pose_to_numbers(pose_at(0)))
# Of the clip of the kitchen; the first second and a half tell as much as all of it.
CLIP_IMAGES, CLIP_RATE = 45, 30
# A start pose 1 um off gives poses that differ by 0.11 cm (median) and 0.38 cm (largest).
MEDIAN_CM, LARGEST_CM = 0.2, 0.8


@pytest.fixture(scope='module')
def shots(room: SmallRoom):
    return [photographed(room.view(pose_at(0.3 * index)), index) for index in range(COUNT)]


@pytest.fixture(scope='module')
def footage(shots, tmp_path_factory) -> Path:
    """Return a folder with the images as a video and as files, and their camera."""
    folder = tmp_path_factory.mktemp('footage')
    write_video(folder / 'clip.mp4', shots, RATE)
    write_camera(folder / 'camera.yaml', CAMERA)
    (folder / 'images').mkdir()
    for index, image in enumerate(shots):
        cv2.imwrite(str(folder / 'images' / f'{index}.png'), image[:, :, ::-1])
    return folder


def track(room: SmallRoom, output: Path, *more: str) -> int:
    mesh = ('--mesh', str(room.mesh), '--output', str(output))
    return main(['track', *mesh, f'--initial-pose={START}', *more])


def video_of(footage: Path) -> tuple[str, ...]:
    return ('--video', str(footage / 'clip.mp4'), '--camera', str(footage / 'camera.yaml'))


@pytest.mark.parametrize('source', ['--video', '--images'])
def test_poses_of_a_video_and_of_images_are_right(room, footage, tmp_path, source):
    given = footage / ('clip.mp4' if source == '--video' else 'images')
    more = ('--rate', f'{RATE:g}') if source == '--images' else ()
    camera = ('--camera', str(footage / 'camera.yaml'))
    assert track(room, tmp_path / 'out.tum', source, str(given), *camera, *more) == 0
    found = read_tum(tmp_path / 'out.tum')
    assert found.stamps_ns.tolist() == [40_000_000 * index for index in range(COUNT)]
    for index, pose in enumerate(found.poses):
        metres, degrees = error(pose, pose_at(0.3 * index))
        assert metres < 0.01
        assert degrees < 0.2


def test_the_overlay_video_shows_each_image_at_its_time(room, footage, tmp_path, shots):
    overlay = tmp_path / 'overlay.mp4'
    assert track(room, tmp_path / 'o.tum', *video_of(footage), '--overlay', str(overlay)) == 0
    capture = cv2.VideoCapture(str(overlay))
    assert int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter_fourcc(*'h264')
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    images = []
    while (read := capture.read())[0]:
        images.append(read[1][:, :, ::-1].astype(int))
    assert len(images) == COUNT
    for index, image in enumerate(images):
        differences = [np.abs(image - shot).mean() for shot in shots]
        assert int(np.argmin(differences)) == index
    green = (images[3] - shots[3])[..., 1]
    assert (green > 60).mean() > 0.005
    assert sorted(path.name for path in tmp_path.iterdir()) == ['o.tum', 'overlay.mp4']


def test_a_pause_of_the_recording_is_one_of_the_overlay_video(tmp_path):
    from mesh_reloc_ros.overlay.video import overlay_video

    image = np.zeros((33, 47, 3), np.uint8)
    stamps = [0, 40, 80, 120, 600, 640, 3_600_000, 3_600_040]
    with overlay_video(tmp_path / 'o.mp4') as video:
        for stamp_ms in stamps:
            video.add(stamp_ms * 1_000_000, image)
    capture = cv2.VideoCapture(str(tmp_path / 'o.mp4'))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (
        48,
        34,
    )
    # The pause of an hour is cut to two seconds.
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 1 + 3 + 12 + 1 + 50 + 1


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        (('--overlay', 'out.avi'), 'give a name that ends with .mp4'),
        (('--overlay', 'no/such/o.mp4'), 'the folder no/such does not exist'),
        (('--rate', '10'), '--rate with video'),
        (('--odom-frame', 'odom'), '--odom-frame with video'),
        (('--start', '100'), 'has no images from 100'),
    ],
)
def test_arguments_that_do_not_go_together_are_named(room, footage, tmp_path, capsys, more, words):
    assert track(room, tmp_path / 'out.tum', *video_of(footage), *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_a_camera_is_asked_for(room, footage, tmp_path, capsys):
    assert track(room, tmp_path / 'o.tum', '--images', str(footage / 'images')) == 2
    assert 'give the camera of the images: --camera' in capsys.readouterr().err
    assert track(room, tmp_path / 'o.tum', '--bag', 'drive', '--rate', '60') == 2
    assert '--rate with bag drive: a bag has stamps' in capsys.readouterr().err


@pytest.fixture(scope='module')
def clip(shared_data: Path, tmp_path_factory) -> Path:
    """Return a folder with the first images of the kitchen as files and as a video."""
    folder = tmp_path_factory.mktemp('clip')
    with ImageBag(shared_data / 'redkitchen' / 'clip_bag') as bag:
        for number, frame in enumerate(bag.frames()):
            if number < CLIP_IMAGES:
                cv2.imwrite(str(folder / f'{number}.png'), frame.image[:, :, ::-1])
    options = ('-framerate', str(CLIP_RATE), '-i', str(folder / '%d.png'))
    quality = ('-c:v', 'libx264', '-crf', '18', '-pix_fmt', 'yuv420p')
    run_ffmpeg(*options, *quality, str(folder / 'clip.mp4'))
    return folder


def test_a_clip_as_video_or_images_has_the_poses_of_the_bag(shared_data, clip, tmp_path):
    kitchen = shared_data / 'redkitchen'
    truth = read_tum(kitchen / 'clip_groundtruth.tum')
    start = ' '.join(f'{number:.9f}' for number in pose_to_numbers(truth.poses[0]))
    camera = ('--camera', str(kitchen / 'camera.yaml'))
    found = {}
    for name, source in {
        'bag': ('--bag', str(kitchen / 'clip_bag'), '--end', f'{(CLIP_IMAGES - 0.5) / CLIP_RATE}'),
        'video': ('--video', str(clip / 'clip.mp4'), *camera),
        'images': ('--images', str(clip), '--rate', str(CLIP_RATE), *camera),
    }.items():
        output, report = tmp_path / f'{name}.tum', tmp_path / f'{name}.json'
        mesh = ('--mesh', str(kitchen / 'mesh.obj'), f'--initial-pose={start}')
        files = ('--output', str(output), '--report', str(report))
        assert main(['track', *mesh, *files, *source]) == 0
        assert json.loads(report.read_text())['left_out'] == []
        found[name] = read_tum(output).poses
        assert len(found[name]) == CLIP_IMAGES
    numbers = np.arange(CLIP_IMAGES)
    for name in ('video', 'images'):
        metres, _ = pose_errors(Trajectory(numbers, found[name]), Trajectory(numbers, found['bag']))
        assert 100 * np.median(metres) < MEDIAN_CM
        assert 100 * metres.max() < LARGEST_CM
