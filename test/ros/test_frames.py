"""Frames of image and camera_info messages, by the node's reader and by that of bags."""

import array
import weakref

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from support.image_messages import (
    COLOURS,
    DISTORTED,
    EXACT,
    GREY,
    GREYS,
    HEIGHT,
    NEARLY,
    STAMP_NS,
    WIDTH,
    compressed,
    info,
    ramp,
    raw,
)
from support.station import stamped

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.ros._frames import frame_reader
from mesh_reloc_ros.types.camera import Camera


@pytest.mark.parametrize('padding', [0, 5, 24])
@pytest.mark.parametrize('encoding', EXACT)
def test_colours_survive_every_order_of_channels(reader, encoding, padding):
    rgb = reader.rgb(raw(encoding, EXACT[encoding], padding))
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert rgb.flags.writeable
    np.testing.assert_array_equal(rgb, COLOURS)


@pytest.mark.parametrize('padding', [0, 5, 24])
@pytest.mark.parametrize('encoding', GREYS)
def test_grey_images_become_grey_colours(reader, encoding, padding):
    rgb = reader.rgb(raw(encoding, GREYS[encoding], padding))
    np.testing.assert_array_equal(rgb, np.dstack([GREY] * 3))


@pytest.mark.parametrize('padding', [0, 5, 24])
@pytest.mark.parametrize('encoding', NEARLY)
def test_bayer_and_yuv_images_have_the_right_colours(reader, encoding, padding):
    if encoding == 'nv24' and padding:
        with pytest.raises(InputError, match='padded rows of this encoding are not supported'):
            reader.rgb(raw(encoding, NEARLY[encoding], padding))
        return
    rgb = reader.rgb(raw(encoding, NEARLY[encoding], padding))
    inside = np.abs(rgb[2:-2, 2:-2].astype(int) - COLOURS[2:-2, 2:-2])
    assert inside.max() <= 8
    assert inside.mean() < 3


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'mono8', 'mono16', '8UC3', 'nv12', 'yuyv'])
def test_names_may_be_written_in_capitals_or_not(reader, encoding):
    pixels = (EXACT | GREYS | NEARLY)[encoding]
    expected = reader.rgb(raw(encoding, pixels))
    other = encoding.upper() if encoding.islower() else encoding.lower()
    np.testing.assert_array_equal(reader.rgb(raw(other, pixels)), expected)
    mosaic = compressed('BAYER_RGGB8; PNG compressed ', '.png', NEARLY['bayer_rggb8'])
    inside = reader.rgb(mosaic)[2:-2, 2:-2].astype(int) - COLOURS[2:-2, 2:-2]
    assert np.abs(inside).max() <= 8


@pytest.mark.parametrize('encoding', ['mono16', 'bayer_rggb16', 'rgb16'])
def test_the_other_order_of_bytes_is_read_as_such(reader, encoding):
    pixels = (EXACT | GREYS | NEARLY)[encoding] // 3
    expected = MessageReader(rectify=False).rgb(raw(encoding, pixels))
    for padding in (0, 5):
        rgb = reader.rgb(raw(encoding, pixels, padding, big_endian=True))
        np.testing.assert_array_equal(rgb, expected)


@pytest.mark.parametrize('depth', [8, 10, 12, 14, 16])
def test_no_grey_levels_are_lost_where_a_camera_uses_a_part_of_16_bits(reader, depth):
    grey = reader.rgb(raw('mono16', ramp(depth)))[..., 0]
    np.testing.assert_allclose(grey, ramp(depth) * (255 / (2**depth - 1)), atol=0.51)
    assert len(np.unique(grey)) == 256


def test_the_depth_that_images_show_is_remembered_and_only_grows(reader):
    dark = np.full((HEIGHT, WIDTH), 200, np.uint16)
    assert reader.rgb(raw('mono16', dark))[0, 0, 0] == 200
    reader.rgb(raw('mono16', ramp(12)))
    assert reader.rgb(raw('mono16', dark))[0, 0, 0] == round(200 * 255 / 4095)
    reader.rgb(compressed('mono16; png compressed ', '.png', ramp(14)))
    assert reader.rgb(raw('bayer_rggb16', dark))[5, 5, 0] == round(200 * 255 / 16383)


@pytest.mark.parametrize(
    ('encoding', 'words'),
    [
        ('nonsense', "'nonsense' cannot be read: publish rgb8"),
        ('', "encoding '' cannot be read"),
        ('yv24', "'yv24' cannot be read"),
        ('16uc1', "'16UC1' are depth by convention"),
        ('bayer_rggb12', "'bayer_rggb12' cannot be read"),
        ('32FC1', "'32FC1' are numbers, as depth"),
        ('64F', "'64F' are numbers"),
        ('16UC1', "'16UC1' are depth by convention .*mono16"),
    ],
)
def test_an_encoding_that_cannot_be_read_is_named(reader, encoding, words):
    with pytest.raises(InputError, match=words) as refusal:
        reader.rgb(raw(encoding, GREY))
    assert '\n' not in str(refusal.value)


@pytest.mark.parametrize(
    ('encoding', 'changes', 'words'),
    [
        ('rgb8', {'step': WIDTH * 3 - 1}, 'step is 143 bytes, but a row takes 144'),
        ('rgb8', {'step': 0}, 'step is 0 bytes'),
        ('mono16', {'step': WIDTH}, 'step is 48 bytes, but a row takes 96'),
        ('rgb8', {'height': HEIGHT + 1}, '5184 bytes of data instead of 5328'),
        ('rgb8', {'height': HEIGHT - 1}, '5184 bytes of data instead of 5040'),
        ('rgb8', {'width': WIDTH + 1}, 'but a row takes 147'),
        ('rgb8', {'height': 0}, '48x0, cannot be read: it is empty'),
        ('rgb8', {'width': 0}, '0x36, .* empty'),
        ('rgb8', {'data': array.array('B')}, 'are 0 bytes'),
        ('nv21', {}, '2592'),
        ('yuv422', {'width': WIDTH - 1}, ' 2x1 pixels share'),
        ('nv21', {'height': HEIGHT - 1}, ' 2x2 pixels share'),
    ],
)
def test_sizes_that_do_not_agree_are_refused_in_one_line(reader, encoding, changes, words):
    pixels = GREY if encoding == 'nv21' else (EXACT | GREYS | NEARLY)[encoding]
    message = raw(encoding, pixels)
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(InputError, match=words) as refusal:
        reader.rgb(message)
    assert '\n' not in str(refusal.value)
    assert f"encoding '{encoding}'" in str(refusal.value)


@pytest.mark.parametrize('encoding', ['bayer_rggb8', 'mono16', 'rgb8', 'yuyv', 'nv21'])
def test_the_smallest_images_are_read(reader, encoding):
    size = 2 if encoding in ('yuyv', 'nv21') else 1
    values = {'mono16': 2, 'rgb8': 3, 'yuyv': 2, 'nv21': 1.5}.get(encoding, 1)
    step = int(size * (1 if encoding == 'nv21' else values))
    message = Image(height=size, width=size, encoding=encoding, step=step)
    message.data = array.array('B', bytes(int(size * size * values)))
    assert reader.rgb(message).shape == (size, size, 3)


def test_an_image_becomes_a_frame_with_its_stamp_and_camera(reader):
    frame = reader.read(raw('bgr8', COLOURS[..., ::-1]), info(), '/camera/image_rect')
    assert frame.stamp_ns == STAMP_NS
    assert frame.camera == Camera(WIDTH, HEIGHT, 40.0, 40.0, 23.5, 17.5)
    np.testing.assert_array_equal(frame.image, COLOURS)


def test_rgb8_shares_the_data_of_its_message_and_keeps_nothing_else(reader):
    message = raw('rgb8', COLOURS)
    data = weakref.ref(message.data)
    frame = reader.read(message, info())
    assert np.shares_memory(frame.image, np.frombuffer(data(), np.uint8))
    del message
    np.testing.assert_array_equal(frame.image, COLOURS)
    del frame
    assert data() is None


@pytest.mark.parametrize('encoding', ['rgba8', 'mono16', 'yuyv'])
def test_other_frames_let_the_data_of_their_message_go(reader, encoding):
    message = raw(encoding, (EXACT | GREYS | NEARLY)[encoding])
    data = weakref.ref(message.data)
    frame = reader.read(message, info())
    del message
    assert data() is None
    assert frame.image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize('rectify', [False, True])
def test_an_image_of_another_size_than_camera_info_is_refused(rectify):
    with pytest.raises(InputError, match='48x36 but camera_info says 64x36'):
        frame_reader(rectify).read(raw('rgb8', COLOURS), info(width=64, **DISTORTED))


def test_an_image_without_a_stamp_is_refused(reader):
    with pytest.raises(InputError, match='no stamp'):
        reader.read(stamped(raw('rgb8', COLOURS), 0), info())


def test_a_raw_topic_with_a_distortion_is_refused_unless_rectified_here(reader):
    image, topic = raw('rgb8', COLOURS), '/camera/image_raw'
    for _ in range(2):
        with pytest.raises(InputError, match='are not rectified'):
            reader.read(image, info(**DISTORTED), topic)
    assert reader.read(image, info(**DISTORTED), '/camera/image_rect').camera.fx == 40
    assert frame_reader(rectify=True).read(image, info(**DISTORTED), topic).camera.fx == 40


def test_rectified_images_are_not_rectified_again():
    image, reader = raw('rgb8', COLOURS), frame_reader(rectify=True)
    with pytest.raises(InputError, match='/camera/image_rect are already rectified'):
        reader.read(image, info(**DISTORTED), '/camera/image_rect')
    np.testing.assert_array_equal(reader.read(image, info(), 'image_rect').image, COLOURS)


def test_rectification_follows_a_camera_info_that_changes():
    reader, image = frame_reader(rectify=True), raw('rgb8', COLOURS)
    plain = reader.read(image, info()).image
    assert np.shares_memory(plain, np.frombuffer(image.data, np.uint8))
    bent = reader.read(image, info(**DISTORTED)).image
    assert not np.array_equal(bent, plain)
    more = reader.read(image, info(d=[-0.5, 0.1, 0.0, 0.0, 0.0])).image
    assert not np.array_equal(more, bent)
    np.testing.assert_array_equal(reader.read(image, info(**DISTORTED)).image, bent)


def test_the_maps_are_made_once_for_each_content_of_camera_info(monkeypatch):
    made = []
    original = cv2.initUndistortRectifyMap
    monkeypatch.setattr(
        cv2, 'initUndistortRectifyMap', lambda *a: (made.append(a), original(*a))[1]
    )
    reader, image = frame_reader(rectify=True), raw('rgb8', COLOURS)
    for stamp in range(1, 5):
        reader.read(stamped(image, stamp), stamped(info(**DISTORTED), stamp), 'image_raw')
    assert len(made) == 1
