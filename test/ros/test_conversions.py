import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from small_room import CAMERA, pose_at
from station import camera_info, image_message, matrix, stamp_ns, stamped

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros.conversions import (
    estimate_to_pose,
    estimate_to_pose_with_covariance,
    estimate_to_transform,
    frame_from_messages,
    image_from_rgb,
    rgb_from_image,
)
from mesh_reloc_ros.tracking.frame import PoseEstimate, State

STAMP_NS = 1_700_000_123_456_789_012
COLOURS = (
    np.array([[[250, 10, 20], [30, 240, 40]], [[50, 60, 230], [200, 200, 90]]], np.uint8)
    .repeat(4, axis=0)
    .repeat(4, axis=1)
)
"""Four patches of 4x4 pixels, RGB."""


def message(encoding: str, pixels: np.ndarray, padding: int = 0) -> Image:
    rows = pixels.reshape(pixels.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    height, width = pixels.shape[:2]
    image = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    image.data = array.array('B', rows.tobytes())
    return stamped(image, STAMP_NS)


def grey(value: int = 77) -> np.ndarray:
    return np.full((8, 8), value, np.uint8)


@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('rgb8', COLOURS),
        ('bgr8', COLOURS[..., ::-1]),
        ('rgba8', np.dstack([COLOURS, grey(9)])),
        ('bgra8', np.dstack([COLOURS[..., ::-1], grey(9)])),
    ],
)
def test_colours_survive_every_order_of_channels(encoding, pixels):
    np.testing.assert_array_equal(rgb_from_image(message(encoding, pixels)), COLOURS)


def test_rows_may_be_padded():
    np.testing.assert_array_equal(rgb_from_image(message('rgb8', COLOURS, padding=5)), COLOURS)


def test_grey_images_become_grey_colours():
    assert (rgb_from_image(message('mono8', grey()))[..., :] == 77).all()
    deep = rgb_from_image(message('mono16', grey().astype(np.uint16) * 257))
    assert abs(deep.astype(int) - 77).max() <= 1


def test_bayer_and_yuv_images_have_the_right_colours():
    red = np.zeros((8, 8), np.uint8)
    red[::2, ::2] = 200
    inside = rgb_from_image(message('bayer_rggb8', red))[2:-2, 2:-2].reshape(-1, 3).mean(0)
    assert inside[0] > 150
    assert inside[1:].max() < 60
    # U Y V Y of a saturated blue.
    blue = np.tile(np.array([240, 41, 110, 41], np.uint8), (8, 4)).reshape(8, 8, 2)
    converted = rgb_from_image(message('yuv422', blue)).reshape(-1, 3).mean(0)
    assert converted[2] > 200
    assert converted[:2].max() < 60


@pytest.mark.parametrize('encoding', ['nonsense', '32FC1', ''])
def test_an_encoding_that_cannot_be_read_is_named(encoding):
    with pytest.raises(InputError, match=f'encoding {encoding!r}'):
        rgb_from_image(message(encoding, grey()))


def test_an_image_with_too_little_data_is_refused():
    image = message('rgb8', COLOURS)
    image.data = image.data[:50]
    with pytest.raises(InputError, match='rgb8'):
        rgb_from_image(image)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_compressed_images_are_read_in_colour_and_in_grey(suffix):
    tolerance = 0 if suffix == '.png' else 20
    for pixels, expected in ((COLOURS[..., ::-1], COLOURS), (grey(), np.dstack([grey()] * 3))):
        _, data = cv2.imencode(suffix, pixels)
        compressed = CompressedImage(format=suffix[1:], data=array.array('B', data.tobytes()))
        difference = np.abs(rgb_from_image(compressed).astype(int) - expected)
        assert difference.mean() <= tolerance


@pytest.mark.parametrize('data', [b'', b'no image'])
def test_compressed_data_that_is_no_image_is_refused(data):
    compressed = CompressedImage(format='jpeg', data=array.array('B', data))
    with pytest.raises(InputError, match="format 'jpeg' cannot be read"):
        rgb_from_image(compressed)


def test_an_image_becomes_a_frame_with_its_stamp_and_camera():
    pixels = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    frame = frame_from_messages(image_message(pixels, STAMP_NS), camera_info())
    assert frame.stamp_ns == STAMP_NS
    assert frame.camera == CAMERA


def test_an_image_of_another_size_than_camera_info_is_refused():
    with pytest.raises(InputError, match='8x8 but camera_info says 320x240'):
        frame_from_messages(message('rgb8', COLOURS), camera_info())


def test_an_image_without_a_stamp_is_refused():
    image = image_message(np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8), 0)
    with pytest.raises(InputError, match='no stamp'):
        frame_from_messages(image, camera_info())


def test_an_overlay_comes_back_as_it_was():
    image = image_from_rgb(COLOURS, message('rgb8', COLOURS).header)
    np.testing.assert_array_equal(rgb_from_image(image), COLOURS)
    assert stamp_ns(image) == STAMP_NS


def test_an_estimate_is_the_same_pose_in_all_its_messages():
    covariance = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) + 0.1
    estimate = PoseEstimate(STAMP_NS, State.TRACKING, True, '', pose_at(3), covariance)
    pose = estimate_to_pose(estimate, 'site')
    with_covariance = estimate_to_pose_with_covariance(estimate, 'site')
    transform = estimate_to_transform(estimate, 'site', 'eye')
    for converted in (pose, with_covariance, transform):
        assert stamp_ns(converted) == STAMP_NS
        assert converted.header.frame_id == 'site'
    assert transform.child_frame_id == 'eye'
    np.testing.assert_allclose(matrix(pose.pose.position, pose.pose.orientation), pose_at(3))
    assert with_covariance.pose.pose == pose.pose
    np.testing.assert_array_equal(with_covariance.pose.covariance, covariance.ravel())
    moved = transform.transform
    np.testing.assert_allclose(matrix(moved.translation, moved.rotation), pose_at(3))
