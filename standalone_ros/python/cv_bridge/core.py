"""Conversions between image messages and arrays."""

from __future__ import annotations

from array import array
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.image.image import CONVERSIONS, DEPTHMAP, Format, ImageFormatError, to_cvtype
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

Array = NDArray[Any]

_PLAIN_NAMES = {dtype: name for name, dtype in DEPTHMAP.items()}
_DECODED_NAMES = {1: 'mono', 3: 'bgr', 4: 'bgra'}  # what OpenCV's decoder gives, by channels
_WHITE = {8: 255, 16: 65535}


class CvBridgeError(TypeError):
    """An image that cannot be converted."""


class CvBridge:
    """Converts image messages to arrays [H, W] or [H, W, C] and back."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = 'passthrough') -> Array:
        """Return the pixels, in `desired_encoding` or as they are.

        :raises CvBridgeError: an encoding is not known, cannot be reached, or the data does not
            have the length that height and step say.
        """
        pixels = _pixels(img_msg)
        if desired_encoding == 'passthrough':
            return pixels
        return _converted(pixels, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(
        self, cvim: Array, encoding: str = 'passthrough', header: Header | None = None
    ) -> Image:
        """Return a message with the pixels of `cvim`; 'passthrough' names the plain type (8UC3).

        :raises CvBridgeError: `encoding` is not known or is of another type than `cvim`.
        """
        _check_is_array(cvim)
        plain = _plain_encoding(cvim)
        if encoding == 'passthrough':
            encoding = plain
        elif _type_of(encoding)[2:] != _type_of(plain)[2:]:
            raise CvBridgeError(
                f'encoding specified as {encoding}, but image has incompatible type {plain}'
            )
        little = np.ascontiguousarray(cvim.astype(cvim.dtype.newbyteorder('<'), copy=False))
        message = Image(height=cvim.shape[0], width=cvim.shape[1], encoding=encoding)
        message.header = header or Header()
        message.step = little.nbytes // max(cvim.shape[0], 1)
        message.data = _bytes(little)
        return message

    def compressed_imgmsg_to_cv2(
        self, cmprs_img_msg: CompressedImage, desired_encoding: str = 'passthrough'
    ) -> Array:
        """Return the decoded pixels (BGR), or in `desired_encoding`.

        :raises CvBridgeError: the data cannot be decoded or not be converted.
        """
        data = np.frombuffer(cmprs_img_msg.data, np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if pixels is None:
            raise CvBridgeError(f'cannot decode an image of format {cmprs_img_msg.format!r}')
        if desired_encoding == 'passthrough':
            return pixels
        name = _DECODED_NAMES[1 if pixels.ndim == 2 else pixels.shape[2]]
        return _converted(pixels, f'{name}{8 * pixels.dtype.itemsize}', desired_encoding)

    def cv2_to_compressed_imgmsg(self, cvim: Array, dst_format: str = 'jpg') -> CompressedImage:
        """Return a message with the pixels (BGR) as 'jpg', 'png' or another format of OpenCV.

        :raises CvBridgeError: OpenCV cannot encode the pixels in that format.
        """
        _check_is_array(cvim)
        try:
            done, data = cv2.imencode(f'.{dst_format}', cvim)
        except cv2.error as error:
            raise CvBridgeError(f'cannot encode an image as {dst_format!r}: {error}') from error
        if not done:
            raise CvBridgeError(f'cannot encode an image as {dst_format!r}')
        return CompressedImage(format=dst_format, data=_bytes(data))


def _type_of(encoding: str) -> tuple[int, Format, str, int]:
    """Return bits, colour format, name of the dtype and channels of an encoding."""
    try:
        return to_cvtype(encoding)
    except ImageFormatError as error:
        raise CvBridgeError(f'encoding {encoding!r} is not supported') from error


def _plain_encoding(pixels: Array) -> str:
    try:
        name = _PLAIN_NAMES[pixels.dtype.name]
    except KeyError as error:
        raise CvBridgeError(f'an image cannot hold {pixels.dtype.name}') from error
    return f'{name}C{1 if pixels.ndim == 2 else pixels.shape[2]}'


def _pixels(message: Image) -> Array:
    """Return the rows without their padding, in this machine's byte order; a view if possible."""
    _, _, dtype_name, channels = _type_of(message.encoding)
    dtype = np.dtype(dtype_name)
    used = message.width * channels * dtype.itemsize
    if message.step < used or len(message.data) != message.step * message.height:
        raise CvBridgeError(
            f'an image of {message.width}x{message.height} in {message.encoding} with a step of'
            f' {message.step} does not fit its {len(message.data)} bytes of data'
        )
    shape = (message.height, message.width, channels)
    pixels: Array = np.ndarray(
        shape if channels > 1 else shape[:2],
        dtype.newbyteorder('>' if message.is_bigendian else '<'),
        memoryview(message.data),
        strides=(message.step, channels * dtype.itemsize, dtype.itemsize)[
            : 3 if channels > 1 else 2
        ],
    )
    return pixels.astype(dtype, copy=False)


def _converted(pixels: Array, encoding: str, desired: str) -> Array:
    """Return `pixels` in the encoding `desired`: colours first, then bits."""
    bits, colours, _, channels = _type_of(encoding)
    desired_bits, desired_colours, desired_dtype, desired_channels = _type_of(desired)
    plain = Format.GENERIC in (colours, desired_colours) and channels == desired_channels
    if not plain and (colours, desired_colours) not in CONVERSIONS:
        raise CvBridgeError(f'{encoding} cannot be converted to {desired}')
    code = None if plain else CONVERSIONS[colours, desired_colours]
    if code is not None:
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels), code)
    if not plain and bits != desired_bits:
        pixels = np.rint(pixels * (_WHITE[desired_bits] / _WHITE[bits]))
    return pixels.astype(desired_dtype, copy=False)


def _check_is_array(pixels: object) -> None:
    if not isinstance(pixels, np.ndarray) or pixels.ndim not in (2, 3):
        raise CvBridgeError('the image is not an array [H, W] or [H, W, C]')


def _bytes(pixels: Array) -> array[int]:
    """Return the bytes in the only type that messages take over without a copy by element."""
    data = array('B')
    data.frombytes(pixels.data.cast('B'))
    return data
