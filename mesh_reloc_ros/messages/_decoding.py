"""Decode raw and compressed images to 8-bit RGB."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.images import refuse_too_large
from mesh_reloc_ros.messages.encodings import (
    Encoding,
    Pixels,
    check_is_visible,
    encoding_named,
)

_DEPTHS = (8, 10, 12, 14, 16)
"""Bit depths of cameras."""
MIN_DEPTH = _DEPTHS[0]
_JPEG, _JPEG_END, _PNG = b'\xff\xd8', b'\xff\xd9', b'\x89PNG\r\n\x1a\n'
"""Start and end of JPEG files, start of PNG files."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that the size of the image follows."""
_HEADER = 1 << 16
"""Bytes in which a file says its size."""
_FLAGS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


CompressedMessage: TypeAlias = Any
"""sensor_msgs/CompressedImage, of rclpy or rosbags."""


def raw_to_rgb(pixels: Pixels, encoding: Encoding, depth: int) -> tuple[NDArray[np.uint8], int]:
    """Convert the pixels of a raw image to RGB [H, W, 3]; rgb8 is returned without a copy.

    Cameras with 10 or 12 bits use only a part of the 16-bit range. Values are scaled by the bit
    depth seen so far, to keep the full range of grey levels.

    :param depth: bit depth of the images before, `MIN_DEPTH` at first.
    :returns: also the bit depth of the images so far.
    """
    if encoding.bits == 16:
        pixels, depth = _eight_bits(pixels, depth)
    return encoding.rgb(pixels), depth


def compressed_to_rgb(message: CompressedMessage, depth: int) -> tuple[NDArray[np.uint8], int]:
    """Decode a JPEG, PNG or other file format of OpenCV to RGB [H, W, 3]; see `raw_to_rgb`.

    :raises InputError: the data cannot be decoded, are truncated, or are a depth image.
    """
    name, _, how = message.format.lower().partition(';')
    check_is_visible(name)
    pixels = _decoded(message)
    if pixels.dtype == np.uint16:
        pixels, depth = _eight_bits(pixels, depth)
    if pixels.ndim == 2:
        # In image_transport a PNG keeps the Bayer mosaic; a JPEG of it is "compressed mono8".
        is_mosaic = name.startswith('bayer_') and 'mono' not in how
        code = encoding_named(name).to_rgb if is_mosaic else cv2.COLOR_GRAY2RGB
        return cv2.cvtColor(pixels, code), depth
    return pixels if _is_rgb(name, how) else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), depth


def _eight_bits(pixels: Pixels, depth: int) -> tuple[Pixels, int]:
    shown = int(pixels.max()).bit_length()
    depth = max(depth, next(each for each in _DEPTHS if each >= shown))
    return cv2.convertScaleAbs(pixels, alpha=255 / (2**depth - 1)), depth


def _is_rgb(name: str, how: str) -> bool:
    """Return whether the first decoded channel is red, because the encoder was given RGB.

    The OpenCV encoder expects BGR; image_transport writes to `how` what it passed to the encoder,
    such as "jpeg compressed bgr8". For TIFF it passes the image unchanged and writes no channel
    order.
    """
    if 'tiff' in how:
        return name.startswith('rgb')
    return 'compressed rgb' in how


def _decoded(message: CompressedMessage) -> Pixels:
    data = np.frombuffer(message.data, dtype=np.uint8)
    if not _is_whole(data):
        raise InputError(
            f'compressed image of format {message.format!r} is cut off:'
            ' its publisher or the transport loses data'
        )
    try:
        refuse_too_large(_claimed_size(bytes(data[:_HEADER])), data.size)
    except InputError as error:
        raise InputError(f'compressed image of format {message.format!r} {error}') from error
    try:
        pixels = cv2.imdecode(data, _FLAGS) if data.size else None
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f'compressed image of format {message.format!r} cannot be decoded: publish JPEG or PNG'
        )
    return pixels


def _claimed_size(header: bytes) -> tuple[int, int]:
    """Return width and height that a PNG or JPEG file claims; 0 if it does not say."""
    with suppress(struct.error):
        if header.startswith(_PNG):
            return struct.unpack_from('>II', header, 16)
        place = 2 if header.startswith(_JPEG) else len(header)
        while place < len(header):
            mark, kind, length, _, height, width = struct.unpack_from('>BBHBHH', header, place)
            if mark != 0xFF:
                break
            if kind in _FRAMES:
                return width, height
            place += 2 + length
    return 0, 0


def _is_whole(data: NDArray[np.uint8]) -> bool:
    """Return False for a truncated JPEG or PNG; some cameras append zeros to a complete one.

    OpenCV prints warnings about truncated files, and some releases return a partial image.
    """
    content = data.tobytes()
    if content.startswith(_JPEG):
        return content.rfind(_JPEG_END) > 0
    return _png_is_whole(content) if content.startswith(_PNG) else True


def _png_is_whole(content: bytes) -> bool:
    """Return whether all chunks are there: OpenCV allocates what a chunk claims as its length."""
    place = len(_PNG)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from('>I4s', content, place)
        place += 12 + length
        if kind == b'IEND':
            return place <= len(content)
    return False
