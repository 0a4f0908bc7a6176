"""The images of video files: their stamps, their orientation, and files that are cut."""

from dataclasses import replace

import numpy as np
import pytest
from support.footage import write_camera, write_video

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.open import open_recording
from mesh_reloc_ros.recordings.video import Video
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(64, 48, 60.0, 60.0, 32.0, 24.0)
RATE = 25.0
COUNT = 12
STEP_NS = 40_000_000


def picture(index: int, width: int = 64, height: int = 48):
    """Return a grey that tells the index, brighter at the top left."""
    image = np.full((height, width, 3), 20 + 10 * index, np.uint8)
    image[: height // 2, : width // 2] += 60
    return image


def index_of(image) -> int:
    return round((np.median(image[-10:, -10:]) - 20) / 10)


@pytest.fixture
def camera(tmp_path):
    return write_camera(tmp_path / 'camera.yaml', CAMERA)


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / 'clip.mp4', map(picture, range(COUNT)), RATE)


def test_frames_are_the_images_with_the_stamps_of_the_file(video, camera):
    with open_recording(video, camera=camera) as recording:
        assert isinstance(recording, Video)
        assert len(recording) == COUNT
        frames = list(recording.frames())
        assert recording.left_out.lines() == []
    assert [index_of(frame.image) for frame in frames] == list(range(COUNT))
    assert [frame.stamp_ns for frame in frames] == [STEP_NS * i for i in range(COUNT)]
    assert {frame.camera for frame in frames} == {CAMERA}
    np.testing.assert_allclose(frames[3].image.astype(int), picture(3), atol=6)


def test_a_video_of_varying_rate_keeps_its_times(tmp_path, camera):
    options = ('-vf', "select='not(between(n,3,6))'", '-fps_mode', 'vfr')
    video = write_video(tmp_path / 'v.mp4', map(picture, range(COUNT)), RATE, output=options)
    with open_recording(video, camera=camera) as recording:
        frames = list(recording.frames())
    kept = [0, 1, 2, 7, 8, 9, 10, 11]
    assert [index_of(frame.image) for frame in frames] == kept
    for frame, index in zip(frames, kept, strict=True):
        assert frame.stamp_ns == pytest.approx(index * STEP_NS, abs=1e6)


def test_a_video_without_times_has_those_of_its_rate(tmp_path, camera):
    options = ('-f', 'h264')
    video = write_video(tmp_path / 'v.h264', map(picture, range(COUNT)), RATE, output=options)
    with open_recording(video, camera=camera) as recording:
        stamps = [frame.stamp_ns for frame in recording.frames()]
    assert stamps == [STEP_NS * i for i in range(COUNT)]


def test_a_span_of_the_video_can_be_read(video, camera):
    with open_recording(video, camera=camera) as recording:
        frames = list(recording.frames(0.1, 0.2))
    assert [index_of(frame.image) for frame in frames] == [3, 4, 5]


@pytest.mark.parametrize('turned', [90, 180, 270])
def test_images_are_turned_as_a_player_turns_them(tmp_path, turned):
    video = write_video(tmp_path / 'v.mp4', [picture(5)] * 3, turned=turned)
    with open_recording(video, fov=60.0) as recording:
        frame = next(recording.frames())
    shown = np.rot90(picture(5), turned // 90)
    np.testing.assert_allclose(frame.image.astype(int), shown, atol=6)
    assert (frame.camera.width, frame.camera.height) == shown.shape[1::-1]


def test_images_are_not_turned_if_the_camera_was_calibrated_that_way(tmp_path, camera):
    video = write_video(tmp_path / 'v.mp4', [picture(5)] * 3, turned=90)
    with open_recording(video, camera=camera) as recording:
        frame = next(recording.frames())
    np.testing.assert_allclose(frame.image.astype(int), picture(5), atol=6)


def test_a_cut_video_gives_the_images_before_the_cut(tmp_path, camera):
    # A group of pictures each, as otherwise none can be decoded.
    options = ('-movflags', '+faststart', '-g', '4')
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(60)]
    video = write_video(tmp_path / 'clip.mp4', noise, RATE, output=options)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with open_recording(video, camera=camera) as recording:
        frames = list(recording.frames())
        (line,) = recording.left_out.lines()
    assert 15 < len(frames) < 45
    assert line.startswith('nothing is read from ')
    assert f'broken or cut off, after {len(frames)} of 60 images' in line


def test_a_video_that_cannot_be_read_is_refused(tmp_path, video, camera, capfd):
    """Without its end, an MP4 file does not say where the images are."""
    (tmp_path / 'cut.mp4').write_bytes(video.read_bytes()[:-700])
    (tmp_path / 'text.mp4').write_text('no video')
    for name in ('cut.mp4', 'text.mp4'):
        with pytest.raises(InputError, match=rf'{name} cannot be read.*ffmpeg -i {name}'):
            open_recording(tmp_path / name, camera=camera)
    with pytest.raises(InputError, match='no such file'):
        Video(tmp_path / 'missing.mp4', None)
    assert capfd.readouterr().err == ''


def test_a_video_of_an_unknown_codec_is_refused_with_the_remedy(tmp_path, camera):
    """OpenCV opens AV1, and decodes nothing of it in some releases."""
    options = ('-c:v', 'rawvideo', '-tag:v', 'ZZZZ')
    video = write_video(tmp_path / 'v.avi', map(picture, range(COUNT)), RATE, output=options)
    with pytest.raises(InputError, match=r'convert it: ffmpeg -i v\.avi'):
        list(open_recording(video, camera=camera).frames())


def test_a_calibration_of_another_size_is_named(tmp_path, video):
    other = write_camera(tmp_path / 'other.yaml', replace(CAMERA, width=128, height=96))
    with pytest.raises(InputError, match=r'image is 64x48, but camera file .* is for 128x96'):
        open_recording(video, camera=other)
