"""Decode raw and compressed images to 8-bit RGB."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.encodings import (
    Encoding,
    Pixels,
    check_is_visible,
    encoding_named,
)

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits of a pixel that cameras have."""
_ENDS = ((b'\xff\xd8', b'\xff\xd9'), (b'\x89PNG', b'IEND'))
"""What JPEG and PNG files begin with and have at their end."""
_FLAGS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


@runtime_checkable
class CompressedMessage(Protocol):
    """The fields of sensor_msgs/CompressedImage, as rclpy and rosbags both have them."""

    header: Any
    format: str
    data: Any
    """A buffer of bytes."""


class Decoder:
    """Decodes images to RGB [H, W, 3] uint8; use one decoder per camera.

    Cameras with 10 or 12 bits use only part of a 16-bit range. Values are scaled by the bit depth
    seen so far, to keep the full range of grey levels.
    """

    def __init__(self) -> None:
        self._depth = _DEPTHS[0]

    def raw(self, pixels: Pixels, encoding: Encoding) -> NDArray[np.uint8]:
        """Return pixels as RGB; rgb8 is returned without a copy."""
        if encoding.bits == 16:
            pixels = self._eight_bits(pixels)
        return pixels if encoding.to_rgb is None else cv2.cvtColor(pixels, encoding.to_rgb)

    def compressed(self, message: CompressedMessage) -> NDArray[np.uint8]:
        """Decode a JPEG, PNG or other file format of OpenCV to RGB.

        :raises InputError: the data cannot be decoded, are truncated, or are a depth image.
        """
        name, _, how = message.format.partition(';')
        check_is_visible(name)
        pixels = _decoded(message)
        if pixels.dtype == np.uint16:
            pixels = self._eight_bits(pixels)
        if pixels.ndim == 2:
            # In image_transport a PNG keeps the Bayer mosaic; a JPEG of it is "compressed mono8".
            is_mosaic = name.startswith('bayer_') and 'mono' not in how
            code = encoding_named(name).to_rgb if is_mosaic else cv2.COLOR_GRAY2RGB
            return cv2.cvtColor(pixels, code)
        return pixels if _is_rgb(name, how) else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _eight_bits(self, pixels: Pixels) -> Pixels:
        shown = int(pixels.max()).bit_length()
        self._depth = max(self._depth, next(depth for depth in _DEPTHS if depth >= shown))
        return cv2.convertScaleAbs(pixels, alpha=255 / (2**self._depth - 1))


def _is_rgb(name: str, how: str) -> bool:
    """Return whether the first decoded channel is red, because the encoder was given RGB.

    The OpenCV encoder expects BGR; image_transport writes to `how` what it passed to the encoder,
    such as "jpeg compressed bgr8". For TIFF it passes the image
    unchanged and writes no channel order.
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
        pixels = cv2.imdecode(data, _FLAGS) if data.size else None
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f'compressed image of format {message.format!r} cannot be decoded: publish JPEG or PNG'
        )
    return pixels


def _is_whole(data: NDArray[np.uint8]) -> bool:
    """Return False for a truncated JPEG or PNG; some cameras append zeros to a complete one.

    OpenCV prints warnings about truncated files, and some releases return a partial image.
    """
    for begin, end in _ENDS:
        if data[: len(begin)].tobytes() == begin:
            return data.tobytes().rfind(end) > 0
    return True
