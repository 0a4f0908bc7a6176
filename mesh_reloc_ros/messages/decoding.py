"""Raw and compressed pixels to RGB of eight bits."""

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
    """The fields of a sensor_msgs/CompressedImage, whatever library made the message."""

    header: Any
    format: str
    data: Any
    """A buffer of bytes."""


class Decoder:
    """Makes images RGB [H, W, 3] uint8; one for each camera.

    Cameras of 10 or 12 bits use a part of 16 bits only. Grey levels are scaled by the depth that
    the images so far have shown, so that they are not lost.
    """

    def __init__(self) -> None:
        self._depth = _DEPTHS[0]

    def raw(self, pixels: Pixels, encoding: Encoding) -> NDArray[np.uint8]:
        """Return pixels as RGB; those of rgb8 as they are, without a copy."""
        if encoding.bits == 16:
            pixels = self._eight_bits(pixels)
        return pixels if encoding.to_rgb is None else cv2.cvtColor(pixels, encoding.to_rgb)

    def compressed(self, message: CompressedMessage) -> NDArray[np.uint8]:
        """Return the pixels of a JPEG, PNG or other file that OpenCV reads as RGB.

        :raises InputError: it is not such a file, not all of one, or shows depth.
        """
        name, _, how = message.format.partition(';')
        check_is_visible(name)
        pixels = _decoded(message)
        if pixels.dtype == np.uint16:
            pixels = self._eight_bits(pixels)
        if pixels.ndim == 2:
            # As image_transport has it: a PNG keeps the Bayer mosaic, a JPEG is "compressed mono8".
            is_mosaic = name.startswith('bayer_') and 'mono' not in how
            code = encoding_named(name).to_rgb if is_mosaic else cv2.COLOR_GRAY2RGB
            return cv2.cvtColor(pixels, code)
        return pixels if _is_rgb(name, how) else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _eight_bits(self, pixels: Pixels) -> Pixels:
        shown = int(pixels.max()).bit_length()
        self._depth = max(self._depth, next(depth for depth in _DEPTHS if depth >= shown))
        return cv2.convertScaleAbs(pixels, alpha=255 / (2**self._depth - 1))


def _is_rgb(name: str, how: str) -> bool:
    """Return whether the decoder's first channel is red: the encoder was not given BGR.

    image_transport says in `how` what it gave to OpenCV's encoder, which takes it for BGR: "jpeg
    compressed bgr8". As TIFF it gives the image as it is, and says nothing.
    """
    if 'tiff' in how:
        return name.startswith('rgb')
    return 'compressed rgb' in how


def _decoded(message: CompressedMessage) -> Pixels:
    data = np.frombuffer(message.data, dtype=np.uint8)
    if not _is_whole(data):
        raise InputError(
            f'compressed image of format {message.format!r} is cut off: see'
            ' whether its publisher or the transport loses data'
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
    """Return False for a JPEG or PNG without its end; some cameras add zeros behind that.

    OpenCV prints warnings about such files, and some releases return the part that is there.
    """
    for begin, end in _ENDS:
        if data[: len(begin)].tobytes() == begin:
            return data.tobytes().rfind(end) > 0
    return True
