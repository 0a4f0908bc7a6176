"""Frames of compressed images, by the node's reader and by that of bags."""

import array
import struct

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from support.image_messages import (
    ALPHA,
    COLOURS,
    DEEP_COLOURS,
    GREY,
    STAMP_NS,
    compressed,
    mosaic,
    ramp,
)
from support.station import stamped

from mesh_reloc_ros.errors import InputError


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
@pytest.mark.parametrize(
    ('side', 'words'), [(15_000, 'claims 15000 x 15000 pixels'), (30_000, 'split or shrink it')]
)
def test_a_small_file_that_claims_to_be_large_is_refused(reader, suffix, side, words, monkeypatch):
    message = compressed(suffix[1:], suffix, COLOURS)
    data = message.data.tobytes()
    height, width = COLOURS.shape[:2]
    if suffix == '.png':
        old, new = struct.pack('>II', width, height), struct.pack('>II', side, side)
    else:
        old, new = struct.pack('>HH', height, width), struct.pack('>HH', side, side)
    assert data.count(old) == 1
    message.data = array.array('B', data.replace(old, new))
    # It must not come so far: the memory would be filled before the file is found to be broken.
    monkeypatch.setattr(cv2, 'imdecode', pytest.fail)
    with pytest.raises(InputError, match=words):
        reader.rgb(message)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.95])
def test_a_file_that_is_cut_off_is_refused_quietly(reader, suffix, share, capfd):
    message = compressed(suffix[1:], suffix, COLOURS)
    message.data = message.data[: int(share * len(message.data))]
    with pytest.raises(InputError, match='is cut off'):
        reader.rgb(message)
    assert capfd.readouterr().err == ''


def test_a_png_with_a_chunk_that_claims_to_be_large_is_refused(reader, monkeypatch):
    """OpenCV would allocate what it claims."""
    message = compressed('png', '.png', COLOURS)
    data = message.data.tobytes()
    place = data.index(b'IDAT') - 4
    message.data = array.array('B', data[:place] + b'\x70\0\0\0' + data[place + 4 :])
    monkeypatch.setattr(cv2, 'imdecode', pytest.fail)
    with pytest.raises(InputError, match='is cut off'):
        reader.rgb(message)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_zeros_behind_the_end_of_an_image_do_not_matter(reader, suffix):
    message = compressed(suffix[1:], suffix, GREY)
    expected = reader.rgb(message)
    message.data = message.data + array.array('B', bytes(3000))
    np.testing.assert_array_equal(reader.rgb(message), expected)
