"""Behaviour of cv_bridge that the package relies on, of the real one and of the stand-in."""

from array import array

import cv_bridge
import numpy as np
import pytest
from cv_bridge import CvBridge, CvBridgeError
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

HEIGHT, WIDTH = 6, 8
BRIDGE = CvBridge()
IS_STAND_IN = 'standalone_ros' in cv_bridge.__file__


def picture(channels=3, dtype=np.uint8):
    """Return random pixels, [H, W, channels] or [H, W] for one channel."""
    shape = (HEIGHT, WIDTH, channels) if channels > 1 else (HEIGHT, WIDTH)
    if np.issubdtype(dtype, np.floating):
        return np.random.default_rng(7).random(shape).astype(dtype)
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def image(encoding, rows, step=None, big_endian=False):
    """Return a message with `rows` [H, bytes] as they are."""
    rows = np.ascontiguousarray(rows).view(np.uint8).reshape(HEIGHT, -1)
    message = Image(height=HEIGHT, width=WIDTH, encoding=encoding, is_bigendian=int(big_endian))
    message.step = step or rows.shape[1]
    message.data = array('B', rows.tobytes())
    return message


@pytest.mark.parametrize(
    ('encoding', 'channels', 'dtype'),
    [
        ('rgb8', 3, np.uint8),
        ('bgr8', 3, np.uint8),
        ('rgba8', 4, np.uint8),
        ('bgra8', 4, np.uint8),
        ('mono8', 1, np.uint8),
        ('mono16', 1, np.uint16),
        ('bayer_rggb8', 1, np.uint8),
        ('16UC1', 1, np.uint16),
        ('32FC1', 1, np.float32),
    ],
)
def test_an_array_survives_the_way_there_and_back(encoding, channels, dtype):
    pixels = picture(channels, dtype)
    message = BRIDGE.cv2_to_imgmsg(pixels, encoding)
    assert (message.height, message.width, message.encoding) == (HEIGHT, WIDTH, encoding)
    assert message.step == WIDTH * channels * np.dtype(dtype).itemsize
    back = BRIDGE.imgmsg_to_cv2(message)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)


def test_passthrough_names_the_plain_type_and_keeps_the_header():
    header = Header(frame_id='camera')
    message = BRIDGE.cv2_to_imgmsg(picture(), header=header)
    assert message.encoding == '8UC3'
    assert message.header.frame_id == 'camera'


@pytest.mark.parametrize(
    ('encoding', 'channels', 'to_rgb'),
    [('bgr8', 3, [2, 1, 0]), ('rgba8', 4, [0, 1, 2]), ('bgra8', 4, [2, 1, 0])],
)
def test_colours_change_places(encoding, channels, to_rgb):
    pixels = picture(channels)
    converted = BRIDGE.imgmsg_to_cv2(image(encoding, pixels), 'rgb8')
    np.testing.assert_array_equal(converted, pixels[..., to_rgb])


def test_grey_becomes_three_equal_colours():
    pixels = picture(1)
    converted = BRIDGE.imgmsg_to_cv2(image('mono8', pixels), 'rgb8')
    np.testing.assert_array_equal(converted, np.stack([pixels] * 3, axis=-1))


def test_sixteen_bits_become_eight_over_the_whole_range():
    ramp = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    converted = BRIDGE.imgmsg_to_cv2(image('mono16', ramp), 'mono8')
    assert converted.dtype == np.uint8
    assert converted[-1, -1] == 255
    np.testing.assert_allclose(converted, ramp / 257, atol=0.51)


def test_eight_bits_become_sixteen_over_the_whole_range():
    pixels = picture(1)
    converted = BRIDGE.imgmsg_to_cv2(image('mono8', pixels), 'mono16')
    assert converted.dtype == np.uint16
    np.testing.assert_array_equal(converted, pixels.astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ('encoding', 'first_row', 'second_row'),
    [
        ('bayer_rggb8', (200, 120), (120, 40)),
        ('bayer_bggr8', (40, 120), (120, 200)),
        ('bayer_gbrg8', (120, 40), (200, 120)),
        ('bayer_grbg8', (120, 200), (40, 120)),
    ],
)
def test_bayer_patterns_of_one_colour_give_that_colour(encoding, first_row, second_row):
    mosaic = np.tile(np.array([first_row, second_row], np.uint8), (HEIGHT // 2, WIDTH // 2))
    converted = BRIDGE.imgmsg_to_cv2(image(encoding, mosaic), 'rgb8')
    np.testing.assert_array_equal(converted, np.broadcast_to([200, 120, 40], converted.shape))


@pytest.mark.parametrize(('encoding', 'luma'), [('yuv422', 1), ('yuv422_yuy2', 0)])
def test_yuv_without_colour_is_grey(encoding, luma):
    pixels = np.full((HEIGHT, WIDTH, 2), 128, np.uint8)
    pixels[..., luma] = np.linspace(16, 235, WIDTH).astype(np.uint8)
    converted = BRIDGE.imgmsg_to_cv2(image(encoding, pixels), 'rgb8').astype(int)
    assert (np.ptp(converted, axis=-1) <= 1).all()
    expected = (pixels[..., luma].astype(float) - 16) * 255 / 219
    np.testing.assert_allclose(converted[..., 0], expected, atol=1.5)


@pytest.mark.parametrize(('encoding', 'bits'), [('rgb8', 8), ('mono16', 16), ('8UC1', 8)])
def test_unchanged_pixels_share_the_data_of_the_message(encoding, bits):
    pixels = picture(3 if encoding == 'rgb8' else 1, np.uint16 if bits == 16 else np.uint8)
    message = image(encoding, pixels)
    shared = BRIDGE.imgmsg_to_cv2(message)
    np.testing.assert_array_equal(shared, pixels)
    message.data[0] ^= 255
    assert not np.array_equal(shared, pixels)


def test_the_same_encoding_is_a_copy():
    message = image('rgb8', picture())
    data = np.frombuffer(message.data, np.uint8)
    assert not np.shares_memory(BRIDGE.imgmsg_to_cv2(message, 'rgb8'), data)


def test_pixels_of_padding_at_the_end_of_rows_are_no_part_of_the_image():
    pixels = picture()
    padded = np.full((HEIGHT, WIDTH * 3 + 6), 99, np.uint8)
    padded[:, : WIDTH * 3] = pixels.reshape(HEIGHT, -1)
    message = image('rgb8', padded)
    assert message.step == WIDTH * 3 + 6
    np.testing.assert_array_equal(BRIDGE.imgmsg_to_cv2(message, 'rgb8'), pixels)
    np.testing.assert_array_equal(BRIDGE.imgmsg_to_cv2(message), pixels)


def test_big_endian_values_are_read_as_such():
    pixels = picture(1, np.uint16)
    message = image('mono16', pixels.astype('>u2'), big_endian=True)
    np.testing.assert_array_equal(BRIDGE.imgmsg_to_cv2(message), pixels)


@pytest.mark.parametrize('target_format', ['png', 'jpg'])
def test_compressed_images_survive_the_way_there_and_back(target_format):
    smooth = np.stack([np.full((64, 64), value, np.uint8) for value in (200, 120, 40)], axis=-1)
    message = BRIDGE.cv2_to_compressed_imgmsg(smooth, target_format)
    assert message.format == target_format
    for encoding, expected in (('passthrough', smooth), ('rgb8', smooth[..., ::-1])):
        decoded = BRIDGE.compressed_imgmsg_to_cv2(message, encoding).astype(int)
        np.testing.assert_allclose(decoded, expected, atol=0 if target_format == 'png' else 3)


def test_a_grey_jpeg_stays_grey():
    message = BRIDGE.cv2_to_compressed_imgmsg(np.full((64, 64), 90, np.uint8), 'jpg')
    assert BRIDGE.compressed_imgmsg_to_cv2(message).shape == (64, 64)


@pytest.mark.parametrize(
    ('encoding', 'desired'),
    [
        ('rgb9', 'passthrough'),
        ('', 'passthrough'),
        ('mono8; drop', 'rgb8'),
        ('rgb8', 'rgb9'),
        ('8UC3', 'rgb8'),
        ('8UC1', 'mono8'),
        ('32FC1', 'mono8'),
        ('rgb8', '8UC1'),
        ('mono8', 'bayer_rggb8'),
        ('bayer_rggb8', 'rgba8'),
    ],
)
def test_what_is_unknown_or_cannot_be_reached_is_an_error(encoding, desired):
    with pytest.raises(CvBridgeError):
        BRIDGE.imgmsg_to_cv2(image(encoding, picture(4)), desired)


@pytest.mark.skipif(not IS_STAND_IN, reason='a release may know them')
@pytest.mark.parametrize('encoding', ['uyvy', 'yuyv', 'nv21', 'nv24'])
def test_newer_names_are_not_known(encoding):
    with pytest.raises(CvBridgeError):
        BRIDGE.imgmsg_to_cv2(image(encoding, picture(2)))


def test_an_encoding_of_another_type_than_the_array_is_an_error():
    with pytest.raises(CvBridgeError, match='incompatible type 8UC3'):
        BRIDGE.cv2_to_imgmsg(picture(), 'mono8')


def test_what_is_no_array_is_an_error():
    with pytest.raises(TypeError):
        BRIDGE.cv2_to_imgmsg([[1, 2]], 'mono8')


def test_too_few_data_are_an_error_and_more_than_rows_are_not():
    message = image('rgb8', picture())
    complete = BRIDGE.imgmsg_to_cv2(message)
    data = message.data
    message.data = data[:-1]
    with pytest.raises(TypeError):
        BRIDGE.imgmsg_to_cv2(message)
    message.data = data + array('B', [0])
    np.testing.assert_array_equal(BRIDGE.imgmsg_to_cv2(message), complete)


def test_compressed_data_that_is_no_image_is_none():
    message = CompressedImage(format='jpeg', data=array('B', b'not an image'))
    assert BRIDGE.compressed_imgmsg_to_cv2(message) is None
    with pytest.raises(CvBridgeError):
        BRIDGE.compressed_imgmsg_to_cv2(message, 'rgb8')
