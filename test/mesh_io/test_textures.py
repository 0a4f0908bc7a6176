"""Texture images of all kinds, and those that would fill the memory."""

import resource
import struct
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
from support.meshes import noise

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.images import read_texture

GREY = noise(6, 9, seed=3)[..., 0]
RGB = noise(6, 9, seed=4)


def test_16_bit_grey_keeps_its_brightness(tmp_path):
    PIL.Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / 'a.png')
    texture = read_texture(tmp_path / 'a.png', tmp_path / 'a.obj')
    np.testing.assert_array_equal(texture, np.repeat(GREY[..., None], 3, -1))


@pytest.mark.parametrize('scale', [1, 255])
def test_float_grey_is_read(tmp_path, scale):
    PIL.Image.fromarray(GREY.astype(np.float32) / 255 * scale).save(tmp_path / 'a.tif')
    texture = read_texture(tmp_path / 'a.tif', tmp_path / 'a.obj')
    np.testing.assert_allclose(texture[..., 0], GREY, atol=1)


@pytest.mark.parametrize('kind', ['uint16', 'float32'])
@pytest.mark.parametrize('channels', [3, 4])
def test_deep_colours_are_read(tmp_path, kind, channels):
    scale = 257 if kind == 'uint16' else 1 / 255
    pixels = np.dstack((RGB[..., ::-1], GREY))[..., :channels] * scale
    uncompressed = (cv2.IMWRITE_TIFF_COMPRESSION, 1)
    cv2.imwrite(str(tmp_path / 'a.tif'), pixels.astype(kind), uncompressed)
    np.testing.assert_array_equal(read_texture(tmp_path / 'a.tif', tmp_path / 'a.obj'), RGB)


def test_16_bit_png_colours_are_read(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), RGB[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_texture(tmp_path / 'a.png', tmp_path / 'a.obj'), RGB)


def test_cmyk_is_read(tmp_path):
    PIL.Image.new('CMYK', (8, 8), (0, 255, 255, 0)).save(tmp_path / 'a.jpg', quality=95)
    texture = read_texture(tmp_path / 'a.jpg', tmp_path / 'a.obj')
    np.testing.assert_allclose(texture, np.broadcast_to((255, 0, 0), (8, 8, 3)), atol=4)


def png(width: int, height: int, data: bytes = b'') -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content)
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', crc)

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(data)) + chunk(b'IEND', b'')


@pytest.mark.parametrize(('side', 'words'), [(60_000, 'split or shrink'), (16_000, 'claims')])
def test_image_bombs_are_refused_before_they_are_decoded(tmp_path, side, words):
    (tmp_path / 'a.png').write_bytes(png(side, side, bytes(100_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=words) as refusal:
        read_texture(tmp_path / 'a.png', tmp_path / 'a.obj')
    assert str(tmp_path / 'a.obj') in str(refusal.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize('content', [b'', b'no image', png(8, 8), png(8, 8, bytes(50))[:-20]])
def test_broken_images_are_refused(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(InputError, match='cannot be read'):
        read_texture(tmp_path / 'a.png', tmp_path / 'a.obj')
