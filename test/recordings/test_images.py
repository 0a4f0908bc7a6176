"""Image files as a recording: order, stamps, orientation, and files that cannot be used."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from support.footage import write_camera

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.open import open_recording
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(64, 48, 60.0, 60.0, 32.0, 24.0)
ORIENTATION = 0x0112


def picture(index: int, width: int = 64, height: int = 48):
    v, u = np.mgrid[:height, :width]
    return np.stack((u * 3, v * 4, np.full_like(u, 20 * index)), axis=-1).astype(np.uint8)


def save(path, image, orientation: int = 1):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    PIL.Image.fromarray(image).save(path, exif=exif)


@pytest.fixture
def camera(tmp_path):
    return write_camera(tmp_path / 'camera.yaml', CAMERA)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a few images, whose names do not sort as text."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for index in (0, 1, 2, 9, 10, 11):
        save(folder / f'img_{index}.png', picture(index))
    (folder / 'notes.txt').write_text('no image')
    return folder


def greens(frames):
    """Return which picture each frame is."""
    return [int(frame.image[0, 0, 2]) // 20 for frame in frames]


def test_images_come_in_the_order_of_their_numbers_at_a_constant_rate(folder, camera):
    with open_recording(folder, camera=camera, rate=4.0) as recording:
        assert len(recording) == 6
        frames = list(recording.frames())
        part = list(recording.frames(0.5, 0.75))
        assert recording.notices == []
    assert greens(frames) == [0, 1, 2, 9, 10, 11]
    assert [frame.stamp_ns for frame in frames] == [250_000_000 * i for i in range(6)]
    assert greens(part) == [2, 9]
    np.testing.assert_array_equal(frames[1].image, picture(1))
    assert frames[0].camera == CAMERA


def test_a_pattern_selects_images(folder, camera):
    with open_recording(folder / 'img_1*.png', camera=camera) as recording:
        assert greens(recording.frames()) == [1, 10, 11]


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_images_are_turned_as_their_exif_data_ask_for(tmp_path, orientation, suffix):
    upright = picture(3)
    # How the camera stored it: the inverse of what EXIF asks for.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    file = tmp_path / f'a.{suffix}'
    save(file, np.ascontiguousarray(stored), orientation)
    with open_recording(file, fov=60.0) as recording:
        np.testing.assert_array_equal(next(recording.frames()).image, upright)


def test_images_are_not_turned_if_the_camera_was_calibrated_that_way(tmp_path, camera):
    save(tmp_path / 'a.png', picture(3), orientation=6)
    with open_recording(tmp_path, camera=camera) as recording:
        np.testing.assert_array_equal(next(recording.frames()).image, picture(3))


def test_images_of_another_size_and_broken_ones_are_left_out_and_named(folder, camera):
    save(folder / 'img_3.png', picture(3, 32, 24))
    save(folder / 'img_4.png', picture(4, 32, 24))
    (folder / 'img_5.png').write_bytes((folder / 'img_2.png').read_bytes()[:100])
    (folder / 'img_6.heic').write_bytes(b'from a phone')
    with open_recording(folder, camera=camera) as recording:
        frames = list(recording.frames())
        lines = recording.left_out.lines()
    assert greens(frames) == [0, 1, 2, 9, 10, 11]
    # Those left out have their place in time.
    assert round(frames[3].stamp_ns * 30e-9) == 7
    assert lines[0].startswith('2 images left out (the first: img_3.png): image is 32x24, but')
    assert '(img_5.png): image cannot be decoded' in lines[1]
    assert '(img_6.heic): images of type .heic cannot be read' in lines[2]


def test_without_a_calibration_most_images_decide_on_the_size(folder):
    save(folder / 'img_0.png', picture(0, 32, 24))
    with open_recording(folder, fov=60.0) as recording:
        assert greens(recording.frames()) == [1, 2, 9, 10, 11]
        assert 'image is 32x24, but most are 64x48' in recording.left_out.lines()[0]


def test_a_folder_of_which_nothing_can_be_used_is_refused(folder, tmp_path, camera):
    other = write_camera(tmp_path / 'other.yaml', replace(CAMERA, width=128, height=96))
    with pytest.raises(InputError, match=r'64x48, but camera file .* is for 128x96'):
        open_recording(folder, camera=other)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='no images there'):
        open_recording(tmp_path / 'empty', camera=camera)
    with pytest.raises(InputError, match='no images there'):
        open_recording(tmp_path / 'missing', camera=camera)
    for image in folder.iterdir():
        image.write_bytes(b'broken')
    with (
        open_recording(folder, camera=camera) as recording,
        pytest.raises(InputError, match='none of its images can be used: image cannot be decoded'),
    ):
        list(recording.frames())


def test_an_image_that_would_fill_the_memory_is_named(folder, camera):
    PIL.Image.new('L', (20_000, 20_000)).save(folder / 'img_7.png')
    with open_recording(folder, camera=camera) as recording:
        assert len(list(recording.frames())) == 6
        (line,) = recording.left_out.lines()
    assert '(img_7.png): image has 20000 x 20000 pixels' in line


def test_without_a_rate_that_of_a_video_is_assumed_and_said(folder, camera):
    with open_recording(folder, camera=camera) as recording:
        stamps = [frame.stamp_ns for frame in recording.frames()]
        (notice,) = recording.notices
    assert stamps[3] == 100_000_000
    assert notice.startswith('30 images a second are assumed')


@pytest.mark.parametrize('rate', [0.0, -3.0, float('nan')])
def test_a_rate_that_is_none_is_refused(folder, camera, rate):
    with pytest.raises(InputError, match='--rate'):
        open_recording(folder, camera=camera, rate=rate)
