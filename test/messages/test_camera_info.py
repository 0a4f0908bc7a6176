"""The camera that a sensor_msgs/CameraInfo describes."""

import numpy as np
import pytest
from support.camera_info import camera_info, region

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import (
    camera_from_info,
    check_is_not_rectified,
    check_is_rectified,
    raw_camera,
    rectified_camera,
)
from mesh_reloc_ros.types.camera import Camera


def test_a_rectified_image_has_the_intrinsics_of_p():
    assert camera_from_info(camera_info()) == Camera(640, 480, 520.0, 521.0, 319.5, 239.5)


def test_k_is_used_where_p_is_zero_and_nothing_is_distorted():
    info = camera_info(p=np.zeros(12), d=np.zeros(0))
    assert camera_from_info(info) == Camera(640, 480, 500.0, 501.0, 310.0, 230.0)


def test_a_binned_region_is_the_crop_averaged_block_by_block():
    """A point of the scene lands on the same spot of the image, worked out pixel by pixel."""
    info = camera_info(roi=region(64, 32, 320, 240), binning_x=2, binning_y=4)
    camera = camera_from_info(info)
    assert (camera.width, camera.height) == (160, 60)
    full_u = np.arange(64, 64 + 320).reshape(160, 2).mean(axis=1)
    full_v = np.arange(32, 32 + 240).reshape(60, 4).mean(axis=1)
    np.testing.assert_allclose((full_u - 319.5) / 520, (np.arange(160) - camera.cx) / camera.fx)
    np.testing.assert_allclose((full_v - 239.5) / 521, (np.arange(60) - camera.cy) / camera.fy)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'k': np.zeros(9)}, 'not calibrated'),
        ({'p': np.full(12, np.nan)}, 'not finite'),
        ({'d': np.array([np.inf])}, 'not finite'),
        ({'p': np.zeros(12)}, 'not rectified: .*image_rect.*rectify: true'),
        ({'roi': region(400, 0, 320, 240)}, 'not inside'),
        ({'width': 0}, 'empty'),
        ({'p': np.array([-520.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])}, 'focal length'),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(changes, words):
    with pytest.raises(InputError, match=words) as refusal:
        camera_from_info(camera_info(**changes))
    assert '\n' not in str(refusal.value)


@pytest.mark.parametrize(('width', 'height'), [(1280, 960), (320, 240), (480, 360), (1280, 720)])
def test_a_calibration_of_another_resolution_is_named(width, height):
    info = camera_info(width=width, height=height)
    words = 'P has its principal point at .* as for images of about 639x479, but the image is'
    with pytest.raises(InputError, match=f'{words} {width}x{height}'):
        rectified_camera(info)
    with pytest.raises(InputError, match='K has its principal point at'):
        raw_camera(info)


def test_a_principal_point_off_the_middle_is_no_other_resolution():
    # Of a cropped sensor: lower only; and of a camera whose lens is shifted.
    for cx, cy in ((319.5, 180.0), (319.5, 320.0), (270.0, 260.0)):
        p = np.array([520.0, 0, cx, 0, 0, 521.0, cy, 0, 0, 0, 1, 0])
        assert rectified_camera(camera_info(p=p)).cx == cx


def test_the_right_camera_of_a_stereo_pair_is_where_its_images_are_taken():
    p = np.array([520.0, 0, 319.5, -62.4, 0, 521.0, 239.5, 0, 0, 0, 1, 0])
    assert camera_from_info(camera_info(p=p)) == camera_from_info(camera_info())


def test_the_raw_camera_is_that_of_k():
    info = camera_info(roi=region(64, 32, 320, 240), binning_x=2, binning_y=2)
    assert raw_camera(info) == Camera(160, 120, 250.0, 250.5, 122.75, 98.75)
    assert rectified_camera(camera_info(p=np.zeros(12))) == raw_camera(camera_info())


@pytest.mark.parametrize(
    'topic',
    ['/camera/image_raw', 'image', '/a/image_color', '/a/image_mono', '/a/image_raw/compressed'],
)
def test_a_distorted_image_of_a_raw_topic_is_refused_with_both_advices(topic):
    with pytest.raises(InputError, match=rf'{topic} are not rectified.*image_rect.*rectify: true'):
        check_is_rectified(camera_info(), topic)
    check_is_rectified(camera_info(d=np.zeros(5)), topic)


@pytest.mark.parametrize(
    'topic', ['', '/image_raw/image_rect', '/a/image_rect_color', '/image_rect/compressed', '/a/b']
)
def test_other_topics_are_taken_for_rectified(topic):
    check_is_rectified(camera_info(), topic)


@pytest.mark.parametrize('topic', ['image_rect', '/a/image_rect_color/compressed', '/a/rectified'])
def test_what_is_rectified_by_its_name_is_not_to_be_rectified_again(topic):
    with pytest.raises(InputError, match=f'{topic} are already rectified'):
        check_is_not_rectified(topic)


@pytest.mark.parametrize('topic', ['', '/image_rect/image_raw', '/a/direct_image', 'image'])
def test_other_topics_are_taken_for_raw(topic):
    check_is_not_rectified(topic)
