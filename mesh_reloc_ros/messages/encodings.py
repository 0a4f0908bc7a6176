"""Encodings of raw images: memory layout and conversion to RGB.

Names are those of sensor_msgs/image_encodings.hpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError

Pixels: TypeAlias = NDArray[Any]
"""[H, W] or [H, W, C], uint8 or uint16."""
ImageMessage: TypeAlias = Any
"""sensor_msgs/Image, of rclpy or rosbags."""

# OpenCV has no code for it.
_NV24 = -1
# BT.601 in studio range, as OpenCV converts the other YUV formats: [3, 4], of Y, U, V and 1.
_YUV_TO_RGB = np.array(
    [
        [1.164, 0.0, 1.596, -1.164 * 16 - 1.596 * 128],
        [1.164, -0.391, -0.813, -1.164 * 16 + (0.391 + 0.813) * 128],
        [1.164, 2.018, 0.0, -1.164 * 16 - 2.018 * 128],
    ]
)
_ADVICE = 'publish rgb8, bgr8, mono8, mono16, a Bayer encoding or yuv422'
_NUMBERS = re.compile(r'(8S|16U|16S|32S|32F|64F)(C[0-9]+)?')


@dataclass(frozen=True)
class Encoding:
    """Memory layout of a raw image."""

    to_rgb: int | None
    """OpenCV code of the conversion to RGB; None if it is RGB."""
    channels: int = 1
    bits: int = 8
    columns: int = 1
    """The width is a multiple of this, for formats that share colours between pixels."""
    rows: int = 1
    """The height is a multiple of this."""
    extra_rows: float = 0.0
    """Additional rows of data per image row."""
    is_padded: bool = True
    """Whether rows may be longer than the image."""

    @property
    def pixel_bytes(self) -> int:
        """Bytes per pixel."""
        return self.channels * self.bits // 8

    def rgb(self, pixels: Pixels) -> Pixels:
        """Convert 8-bit pixels to RGB [H, W, 3]; RGB is returned without a copy."""
        if self.to_rgb is None:
            return pixels
        if self.to_rgb == _NV24:
            return _rgb_of_nv24(pixels)
        return np.asarray(cv2.cvtColor(pixels, self.to_rgb))


def _known() -> dict[str, Encoding]:
    known = {}
    for bits in (8, 16):
        # OpenCV names a Bayer pattern by its second row, starting at the second pixel.
        for name, code, channels in (
            ('mono', cv2.COLOR_GRAY2RGB, 1),
            ('rgb', None, 3),
            ('bgr', cv2.COLOR_BGR2RGB, 3),
            ('rgba', cv2.COLOR_RGBA2RGB, 4),
            ('bgra', cv2.COLOR_BGRA2RGB, 4),
            ('bayer_rggb', cv2.COLOR_BayerBG2RGB, 1),
            ('bayer_bggr', cv2.COLOR_BayerRG2RGB, 1),
            ('bayer_gbrg', cv2.COLOR_BayerGR2RGB, 1),
            ('bayer_grbg', cv2.COLOR_BayerGB2RGB, 1),
        ):
            known[f'{name}{bits}'] = Encoding(code, channels, bits)
    # Encodings without a channel order have that of OpenCV.
    known |= {'8UC1': known['mono8'], '8UC3': known['bgr8'], '8UC4': known['bgra8']}
    for name in ('uyvy', 'yuv422'):
        known[name] = Encoding(cv2.COLOR_YUV2RGB_UYVY, channels=2, columns=2)
    for name in ('yuyv', 'yuv422_yuy2'):
        known[name] = Encoding(cv2.COLOR_YUV2RGB_YUY2, channels=2, columns=2)
    for name, code in (('nv21', cv2.COLOR_YUV2RGB_NV21), ('nv12', cv2.COLOR_YUV2RGB_NV12)):
        known[name] = Encoding(code, columns=2, rows=2, extra_rows=0.5)
    known['nv24'] = Encoding(_NV24, extra_rows=2.0, is_padded=False)
    return known


_KNOWN = _known()


def encoding_named(name: str) -> Encoding:
    """Return the encoding with this name.

    :raises InputError: the encoding is unknown, or is not a visible image, such as depth.
    """
    check_is_visible(name)
    # Some drivers write names in capitals.
    known = _KNOWN.get(name) or _KNOWN.get(name.lower()) or _KNOWN.get(name.upper())
    if known is None:
        raise InputError(f'images of encoding {name!r} cannot be read: {_ADVICE}')
    return known


def check_is_visible(name: str) -> None:
    """Reject an encoding that is not a visible image.

    :raises InputError: the encoding is that of depth or other numbers.
    """
    name = name.upper()
    if name == '16UC1':
        raise InputError(
            "images of encoding '16UC1' are depth by convention (REP 118): use the topic of the"
            ' colour camera; 16-bit grey values are called mono16'
        )
    if _NUMBERS.fullmatch(name):
        raise InputError(
            f'images of encoding {name!r} are numbers, as depth, not colours: use the topic of the'
            ' colour camera'
        )


def check_layout(message: ImageMessage, encoding: Encoding) -> None:
    """Check that size, step and data of an image agree.

    :raises InputError: they do not agree.
    """
    height, width, step = message.height, message.width, message.step
    row_bytes, data_bytes = width * encoding.pixel_bytes, step * data_rows(message, encoding)
    problem = ''
    if height < 1 or width < 1:
        problem = 'it is empty'
    elif height % encoding.rows or width % encoding.columns:
        problem = (
            f'{encoding.columns}x{encoding.rows} pixels share a colour, of which this is no'
            ' multiple'
        )
    elif step < row_bytes:
        problem = f'its step is {step} bytes, but a row takes {row_bytes}'
    elif step > row_bytes and not encoding.is_padded:
        problem = f'its step is {step} bytes, and padded rows of this encoding are not supported'
    elif len(message.data) != data_bytes:
        problem = f'there are {len(message.data)} bytes of data instead of {data_bytes}'
    if problem:
        raise InputError(
            f'image of encoding {message.encoding!r}, {width}x{height}, cannot be read: {problem};'
            ' correct its publisher'
        )


def data_rows(message: ImageMessage, encoding: Encoding) -> int:
    """Return the number of rows of data."""
    return message.height + int(encoding.extra_rows * message.height)


def unpacked(message: ImageMessage, encoding: Encoding) -> Pixels:
    """Return the pixels of a checked message in native byte order, without a copy if possible.

    Data are copied only if they have the other byte order, or are not aligned.
    """
    byte_order = '>' if message.is_bigendian else '<'
    dtype = np.dtype(f'{byte_order}u{encoding.bits // 8}')
    shape = (data_rows(message, encoding), message.width, encoding.channels)
    strides = (message.step, encoding.pixel_bytes, dtype.itemsize)
    pixels: Pixels = np.ndarray(shape, dtype, message.data, strides=strides)
    if encoding.channels == 1:
        pixels = pixels[..., 0]
    return np.require(pixels, dtype.newbyteorder('='), 'A')


def _rgb_of_nv24(pixels: Pixels) -> Pixels:
    """Convert a plane of Y [H, W] with U and V of each pixel below it, [3 H, W] in all."""
    height, width = len(pixels) // 3, pixels.shape[1]
    chroma = np.ascontiguousarray(pixels[height:]).reshape(height, width, 2)
    return np.asarray(cv2.transform(np.dstack((pixels[:height], chroma)), _YUV_TO_RGB))
