"""Frames of image and camera_info messages, by the node's reader and by that of bags."""

import array
import weakref

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from station import stamped

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.ros.frames import FrameReader

STAMP_NS = 1_700_000_123_456_789_012
WIDTH, HEIGHT = 48, 36
ALPHA = np.full((HEIGHT, WIDTH), 9, np.uint8)


def smooth_colours() -> np.ndarray:
    """Return an RGB picture whose neighbouring pixels differ little."""
    v, u = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    channels = (40 + 4 * u, 200 - 4 * v, 60 + 1.5 * u + 2 * v)
    return np.rint(np.dstack(channels)).astype(np.uint8)


COLOURS = smooth_colours()
GREY = COLOURS[..., 0]
DEEP_COLOURS = COLOURS.astype(np.uint16) * 257


def raw(encoding: str, pixels: np.ndarray, padding: int = 0, big_endian: bool = False) -> Image:
    """Return a message of pixels [H, W] or [H, W, C], or of rows of bytes."""
    if big_endian:
        pixels = pixels.astype(pixels.dtype.newbyteorder('>'))
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    image = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=rows.shape[1])
    image.is_bigendian = int(big_endian)
    image.data = array.array('B', rows.tobytes())
    return stamped(image, STAMP_NS)


def compressed(file_format: str, suffix: str, pixels: np.ndarray) -> CompressedImage:
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    message = CompressedImage(format=file_format, data=array.array('B', data))
    return stamped(message, STAMP_NS)


def mosaic(pattern: str, colours: np.ndarray) -> np.ndarray:
    """Return of each pixel the colour that a Bayer pattern such as rggb leaves of it."""
    raw_pixels = colours[..., 0].copy()
    for index, name in enumerate(pattern):
        row, column = divmod(index, 2)
        raw_pixels[row::2, column::2] = colours[row::2, column::2, 'rgb'.index(name)]
    return raw_pixels


def yuv(colours: np.ndarray) -> np.ndarray:
    """Return Y, U and V by BT.601, studio range, [H, W, 3]."""
    rgb = colours / 255
    y = rgb @ (65.481, 128.553, 24.966) + 16
    u = rgb @ (-37.797, -74.203, 112.0) + 128
    v = rgb @ (112.0, -93.786, -18.214) + 128
    return np.rint(np.dstack((y, u, v))).astype(np.uint8)


def packed_yuv(first: int) -> np.ndarray:
    """Return 4:2:2, with the luma in the first or second byte of a pixel."""
    pixels = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    planes = yuv(COLOURS)
    pixels[..., first] = planes[..., 0]
    pixels[:, ::2, 1 - first] = planes[:, ::2, 1]
    pixels[:, 1::2, 1 - first] = planes[:, ::2, 2]
    return pixels


def nv21() -> np.ndarray:
    planes = yuv(COLOURS)
    chroma = planes[::2, ::2, 2:0:-1].reshape(HEIGHT // 2, WIDTH)
    return np.vstack((planes[..., 0], chroma))


def info(**changes) -> CameraInfo:
    camera = {
        'width': WIDTH,
        'height': HEIGHT,
        'k': [40.0, 0.0, 23.5, 0.0, 40.0, 17.5, 0.0, 0.0, 1.0],
        'p': [40.0, 0.0, 23.5, 0.0, 0.0, 40.0, 17.5, 0.0, 0.0, 0.0, 1.0, 0.0],
        'r': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
    }
    return CameraInfo(**(camera | changes))


DISTORTED = {'d': [-0.3, 0.1, 0.0, 0.0, 0.0]}

EXACT = {
    'rgb8': COLOURS,
    'bgr8': COLOURS[..., ::-1],
    'rgba8': np.dstack([COLOURS, ALPHA]),
    'bgra8': np.dstack([COLOURS[..., ::-1], ALPHA]),
    '8UC3': COLOURS[..., ::-1],
    '8UC4': np.dstack([COLOURS[..., ::-1], ALPHA]),
    'rgb16': DEEP_COLOURS,
    'bgr16': DEEP_COLOURS[..., ::-1],
    'rgba16': np.dstack([DEEP_COLOURS, DEEP_COLOURS[..., 0]]),
    'bgra16': np.dstack([DEEP_COLOURS[..., ::-1], DEEP_COLOURS[..., 0]]),
}
GREYS = {'mono8': GREY, '8UC1': GREY, 'mono16': GREY.astype(np.uint16) * 257}
PATTERNS = ('rggb', 'bggr', 'gbrg', 'grbg')
NEARLY = {f'bayer_{pattern}8': mosaic(pattern, COLOURS) for pattern in PATTERNS} | {
    f'bayer_{pattern}16': mosaic(pattern, DEEP_COLOURS) for pattern in PATTERNS
}
NEARLY |= {'uyvy': packed_yuv(1), 'yuv422': packed_yuv(1)}
NEARLY |= {'yuyv': packed_yuv(0), 'yuv422_yuy2': packed_yuv(0), 'nv21': nv21()}


@pytest.fixture(params=[FrameReader, MessageReader], ids=['node', 'bag'])
def reader(request):
    return request.param(rectify=False)


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
    rgb = reader.rgb(raw(encoding, NEARLY[encoding], padding))
    inside = np.abs(rgb[2:-2, 2:-2].astype(int) - COLOURS[2:-2, 2:-2])
    assert inside.max() <= 8
    assert inside.mean() < 3


@pytest.mark.parametrize('encoding', ['mono16', 'bayer_rggb16', 'rgb16'])
def test_the_other_order_of_bytes_is_read_as_such(reader, encoding):
    pixels = (EXACT | GREYS | NEARLY)[encoding] // 3
    expected = MessageReader(rectify=False).rgb(raw(encoding, pixels))
    for padding in (0, 5):
        rgb = reader.rgb(raw(encoding, pixels, padding, big_endian=True))
        np.testing.assert_array_equal(rgb, expected)


def ramp(depth: int) -> np.ndarray:
    """Return grey levels from black to white of so many bits."""
    return np.linspace(0, 2**depth - 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)


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
        ('nv24', "'nv24' cannot be read"),
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


@pytest.mark.parametrize(
    ('file_format', 'pixels'),
    [
        ('png', COLOURS[..., ::-1]),
        ('rgb8; png compressed bgr8', COLOURS[..., ::-1]),
        ('bgr8; png compressed bgr8', COLOURS[..., ::-1]),
        ('rgb16; png compressed bgr16', DEEP_COLOURS[..., ::-1]),
        ('rgba8; png compressed bgr8', COLOURS[..., ::-1]),
        ('bgra8; png compressed bgra8', np.dstack([COLOURS[..., ::-1], ALPHA])),
        # The encoder, which takes what it gets for BGR, got RGB.
        ('rgb8; png compressed rgb8', COLOURS),
        ('bgr8; png compressed rgb8', COLOURS),
        ('rgb8; tiff compressed ', COLOURS),
        ('bgr8; tiff compressed ', COLOURS[..., ::-1]),
    ],
)
def test_colours_of_lossless_files_are_as_their_format_says(reader, file_format, pixels):
    suffix = '.tiff' if 'tiff' in file_format else '.png'
    np.testing.assert_array_equal(reader.rgb(compressed(file_format, suffix, pixels)), COLOURS)


@pytest.mark.parametrize(
    'file_format', ['jpeg', 'jpg', 'rgb8; jpeg compressed bgr8', 'bgr8; jpeg compressed bgr8']
)
def test_jpegs_are_read_in_colour(reader, file_format):
    rgb = reader.rgb(compressed(file_format, '.jpg', COLOURS[..., ::-1]))
    assert np.abs(rgb.astype(int) - COLOURS).mean() < 4


@pytest.mark.parametrize(
    ('file_format', 'suffix'),
    [
        ('jpeg', '.jpg'),
        ('mono8; jpeg compressed mono8', '.jpg'),
        ('bayer_rggb8; jpeg compressed mono8', '.jpg'),
        ('png', '.png'),
        ('mono8; png compressed ', '.png'),
    ],
)
def test_grey_files_become_grey_colours(reader, file_format, suffix):
    checked = GREY.copy()
    checked[::2, ::2] -= 30
    rgb = reader.rgb(compressed(file_format, suffix, checked)).astype(int)
    assert (rgb == rgb[..., :1]).all()
    assert np.abs(rgb[..., 0] - checked).mean() < (3 if suffix == '.jpg' else 1e-9)


@pytest.mark.parametrize('bits', [8, 16])
def test_a_mosaic_that_is_kept_as_png_gets_its_colours(reader, bits):
    colours = COLOURS if bits == 8 else DEEP_COLOURS
    message = compressed(f'bayer_gbrg{bits}; png compressed ', '.png', mosaic('gbrg', colours))
    difference = np.abs(reader.rgb(message).astype(int) - COLOURS)
    assert difference[2:-2, 2:-2].max() <= 8


@pytest.mark.parametrize('file_format', ['16UC1; png compressed ', '16UC1; compressedDepth png'])
def test_compressed_depth_is_refused(reader, file_format):
    with pytest.raises(InputError, match='are depth by convention'):
        reader.rgb(compressed(file_format, '.png', ramp(12)))


def test_a_compressed_image_of_real_numbers_is_refused(reader):
    message = compressed('tiff', '.tiff', ramp(12).astype(np.float32))
    with pytest.raises(InputError, match='cannot be decoded'):
        reader.rgb(message)


@pytest.mark.parametrize(
    'data', [b'', b'no image', b'\xff', b'\xff\xd8\xff\xd9', b'\x89PNG....IEND']
)
def test_compressed_data_that_is_no_image_is_refused_quietly(reader, data, capfd):
    message = stamped(CompressedImage(format='jpeg', data=array.array('B', data)), STAMP_NS)
    with pytest.raises(InputError, match="format 'jpeg' cannot be decoded") as refusal:
        reader.rgb(message)
    assert '\n' not in str(refusal.value)
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.95])
def test_a_file_that_is_cut_off_is_refused_quietly(reader, suffix, share, capfd):
    message = compressed(suffix[1:], suffix, COLOURS)
    message.data = message.data[: int(share * len(message.data))]
    with pytest.raises(InputError, match='is cut off'):
        reader.rgb(message)
    assert capfd.readouterr().err == ''


def test_zeros_behind_the_end_of_a_jpeg_do_not_matter(reader):
    message = compressed('jpeg', '.jpg', GREY)
    expected = reader.rgb(message)
    message.data = message.data + array.array('B', bytes(3000))
    np.testing.assert_array_equal(reader.rgb(message), expected)


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
        FrameReader(rectify).read(raw('rgb8', COLOURS), info(width=64, **DISTORTED))


def test_an_image_without_a_stamp_is_refused(reader):
    with pytest.raises(InputError, match='no stamp'):
        reader.read(stamped(raw('rgb8', COLOURS), 0), info())


def test_a_raw_topic_with_a_distortion_is_refused_unless_rectified_here(reader):
    image, topic = raw('rgb8', COLOURS), '/camera/image_raw'
    for _ in range(2):
        with pytest.raises(InputError, match='are not rectified'):
            reader.read(image, info(**DISTORTED), topic)
    assert reader.read(image, info(**DISTORTED), '/camera/image_rect').camera.fx == 40
    assert FrameReader(rectify=True).read(image, info(**DISTORTED), topic).camera.fx == 40


def test_rectified_images_are_not_rectified_again():
    image, reader = raw('rgb8', COLOURS), FrameReader(rectify=True)
    with pytest.raises(InputError, match='/camera/image_rect are rectified already'):
        reader.read(image, info(**DISTORTED), '/camera/image_rect')
    np.testing.assert_array_equal(reader.read(image, info(), 'image_rect').image, COLOURS)


def test_rectification_follows_a_camera_info_that_changes():
    reader, image = FrameReader(rectify=True), raw('rgb8', COLOURS)
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
    reader, image = FrameReader(rectify=True), raw('rgb8', COLOURS)
    for stamp in range(1, 5):
        reader.read(stamped(image, stamp), stamped(info(**DISTORTED), stamp), 'image_raw')
    assert len(made) == 1
