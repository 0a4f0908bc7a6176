"""The camera of videos and images: calibration files, and a field of view."""

import math

import numpy as np
import pytest
from support.footage import CAMERA_YAML, write_camera

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(64, 48, 60.0, 61.0, 31.0, 24.5)
SIZE = (64, 48)
BENT = (-0.3, 0.1, 0.001, 0.002, 0.0)


def noise():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def colmap(tmp_path, *cameras: str):
    path = tmp_path / 'cameras.txt'
    path.write_text('\n'.join(['# Camera list', *cameras, '']))
    return path


def test_a_file_of_camera_calibration_has_the_camera(tmp_path):
    view = Calibration(write_camera(tmp_path / 'c.yaml', CAMERA), None).view(SIZE)
    assert view.camera == CAMERA
    assert view.rectification is None
    assert view.frame(7, noise()).stamp_ns == 7


def test_a_file_without_projection_matrix_has_the_camera_matrix(tmp_path):
    text = CAMERA_YAML.format(CAMERA, [0.0] * 5)
    (tmp_path / 'c.yaml').write_text(text[: text.index('rectification_matrix')])
    assert Calibration(tmp_path / 'c.yaml', None).view(SIZE).camera == CAMERA


def test_with_a_distortion_it_must_be_told_whether_images_are_raw(tmp_path):
    file = write_camera(tmp_path / 'c.yaml', CAMERA, BENT)
    with pytest.raises(InputError, match=r'has a distortion: give --rectify .* or --rectified'):
        Calibration(file, None).view(SIZE)
    taken = Calibration(file, None, rectify=False).view(SIZE)
    assert taken.camera == CAMERA
    np.testing.assert_array_equal(taken.frame(0, noise()).image, noise())
    raw = Calibration(file, None, rectify=True).view(SIZE)
    assert raw.camera == CAMERA
    assert raw.rectification.distortion == BENT
    assert not np.array_equal(raw.frame(0, noise()).image, noise())


@pytest.mark.parametrize(
    ('line', 'model', 'distortion'),
    [
        ('1 SIMPLE_PINHOLE 64 48 60 31.5 25', None, None),
        ('1 PINHOLE 64 48 60 60 31.5 25', None, None),
        ('1 SIMPLE_RADIAL 64 48 60 31.5 25 .1', 'plumb_bob', (0.1, 0, 0, 0, 0)),
        ('1 RADIAL 64 48 60 31.5 25 .1 .2', 'plumb_bob', (0.1, 0.2, 0, 0, 0)),
        ('1 OPENCV 64 48 60 60 31.5 25 .1 .2 .3 .4', 'plumb_bob', (0.1, 0.2, 0.3, 0.4, 0)),
        (
            '1 FULL_OPENCV 64 48 60 60 31.5 25 .1 .2 .3 .4 .5 .6 .7 .8',
            'rational_polynomial',
            (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        ),
        ('1 OPENCV_FISHEYE 64 48 60 60 31.5 25 .1 .2 .3 .4', 'equidistant', (0.1, 0.2, 0.3, 0.4)),
        ('1 SIMPLE_RADIAL_FISHEYE 64 48 60 31.5 25 .1', 'equidistant', (0.1, 0, 0, 0)),
        ('1 RADIAL_FISHEYE 64 48 60 31.5 25 .1 .2', 'equidistant', (0.1, 0.2, 0, 0)),
    ],
)
def test_cameras_of_colmap(tmp_path, line, model, distortion):
    """The centre of the top-left pixel is (0.5, 0.5) in COLMAP, and (0, 0) here."""
    view = Calibration(colmap(tmp_path, line), None, rectify=True).view(SIZE)
    assert view.camera == Camera(64, 48, 60.0, 60.0, 31.0, 24.5)
    if model is None:
        assert view.rectification is None
    else:
        assert view.rectification.model == model
        assert view.rectification.distortion == distortion


def test_of_several_cameras_that_of_the_size_counts(tmp_path):
    small, large = '1 SIMPLE_PINHOLE 64 48 60 32 24', '2 SIMPLE_PINHOLE 128 96 120 64 48'
    calibration = Calibration(colmap(tmp_path, small, large), None)
    assert calibration.view((128, 96)).camera.fx == 120
    assert calibration.view(SIZE).camera.fx == 60
    with pytest.raises(InputError, match=r'image is 32x24, but .* is for 64x48, 128x96'):
        calibration.view((32, 24))
    twice = Calibration(colmap(tmp_path, small, small.replace('60', '70')), None)
    with pytest.raises(InputError, match='has 2 cameras of 64x48: leave one in it'):
        twice.view(SIZE)


@pytest.mark.parametrize(
    ('name', 'text', 'words'),
    [
        ('c.yaml', 'image_width: 3', 'expected the YAML of camera_calibration'),
        ('c.yaml', '%YAML:1.0\n---\nK: 3', 'expected the YAML of camera_calibration'),
        ('c.yaml', 'just text', 'expected the YAML of camera_calibration'),
        ('cameras.txt', '# nothing', 'has no cameras'),
        ('cameras.txt', '1 PINHOLE 64 48 60', 'expected cameras.txt of COLMAP'),
        ('cameras.txt', '1 FOV 64 48 60 60 32 24 0.9', 'model FOV is not known'),
        ('cameras.bin', '', 'colmap model_converter --output_type TXT'),
    ],
)
def test_a_file_that_is_no_calibration_is_refused_in_one_line(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words) as refusal:
        Calibration(tmp_path / name, None)
    assert '\n' not in str(refusal.value)


def test_a_field_of_view_is_across_the_width(tmp_path):
    camera = Calibration(None, 90.0).view((640, 480)).camera
    assert camera.fx == camera.fy == pytest.approx(320)
    assert (camera.cx, camera.cy) == (319.5, 239.5)
    camera = Calibration(None, 60.0).view((1080, 1920)).camera
    assert math.degrees(2 * math.atan(540 / camera.fx)) == pytest.approx(60)
    for degrees in (0.0, 180.0, float('nan')):
        with pytest.raises(InputError, match='--fov'):
            Calibration(None, degrees)
    with pytest.raises(InputError, match=r'give the camera of the images: --camera .*--fov'):
        Calibration(None, None)
