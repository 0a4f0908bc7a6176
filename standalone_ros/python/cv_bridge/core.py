"""Conversions between image messages and arrays."""

from __future__ import annotations

import sys
from array import array
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from cv_bridge.encodings import conversion_code, dtype_and_channels, plain_name, scale
from cv_bridge.errors import CvBridgeError

Array = NDArray[Any]


class CvBridge:
    """Converts image messages to arrays [H, W] or [H, W, C] and back."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = 'passthrough') -> Array:
        """Return the pixels in `desired_encoding`, or as they are, sharing the message's data.

        As in the real one, rows are taken to be padded by whole pixels, and nobody asks whether
        there are more data than rows.

        :raises CvBridgeError: an encoding is not known, or cannot be reached.
        :raises TypeError: there are too few data.
        """
        dtype_name, channels = dtype_and_channels(img_msg.encoding)
        dtype = np.dtype(dtype_name).newbyteorder('>' if img_msg.is_bigendian else '<')
        columns = img_msg.step // (dtype.itemsize * channels)
        shape = (img_msg.height, columns) if channels == 1 else (img_msg.height, columns, channels)
        rows: Array = np.ndarray(shape, dtype, img_msg.data)
        pixels = np.ascontiguousarray(rows[:, : img_msg.width])
        if bool(img_msg.is_bigendian) == (sys.byteorder == 'little'):
            pixels = pixels.astype(dtype.newbyteorder('='))
        if desired_encoding == 'passthrough':
            return pixels
        return _converted(pixels, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(
        self, cvim: Array, encoding: str = 'passthrough', header: Header | None = None
    ) -> Image:
        """Return a message with the pixels of `cvim`; 'passthrough' names the plain type (8UC3).

        :raises CvBridgeError: `encoding` is not known or is of another type than `cvim`.
        :raises TypeError: `cvim` is no array.
        :raises KeyError: an image cannot hold the type of its numbers.
        """
        _check_is_array(cvim)
        plain = plain_name(cvim.dtype, 1 if cvim.ndim < 3 else cvim.shape[2])
        if encoding == 'passthrough':
            encoding = plain
        elif plain_name(*dtype_and_channels(encoding)) != plain:
            raise CvBridgeError(
                f'encoding specified as {encoding}, but image has incompatible type {plain}'
            )
        message = Image(height=cvim.shape[0], width=cvim.shape[1], encoding=encoding)
        message.header = header or Header()
        message.is_bigendian = int(cvim.dtype.byteorder == '>')
        message.data = array('B', cvim.tobytes())
        message.step = len(message.data) // message.height
        return message

    def compressed_imgmsg_to_cv2(
        self, cmprs_img_msg: CompressedImage, desired_encoding: str = 'passthrough'
    ) -> Array:
        """Return the decoded pixels (None if they are no image), or in `desired_encoding`.

        As in the real one, whatever has been decoded is taken for bgr8 then.

        :raises CvBridgeError: they cannot be converted.
        """
        data = np.frombuffer(cmprs_img_msg.data, np.uint8)
        pixels: Array = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if desired_encoding == 'passthrough':
            return pixels
        return _converted(pixels, 'bgr8', desired_encoding)

    def cv2_to_compressed_imgmsg(self, cvim: Array, dst_format: str = 'jpg') -> CompressedImage:
        """Return a message with the pixels (BGR) as 'jpg', 'png' or another format of OpenCV.

        :raises TypeError: `cvim` is no array.
        :raises cv2.error: OpenCV cannot encode the pixels in that format.
        """
        _check_is_array(cvim)
        data = cv2.imencode(f'.{dst_format}', cvim)[1]
        return CompressedImage(format=dst_format, data=array('B', data.tobytes()))


def _converted(pixels: Array, encoding: str, desired: str) -> Array:
    """Return `pixels` in the encoding `desired`, never the same array: colours first, then bits."""
    if desired in ('', encoding):
        return pixels.copy()
    code = conversion_code(encoding, desired)
    dtype = np.dtype(dtype_and_channels(desired)[0])
    if code is not None:
        try:
            pixels = cv2.cvtColor(pixels, code)
        except cv2.error as error:
            raise CvBridgeError(str(error)) from error
        if dtype == dtype_and_channels(encoding)[0]:
            return pixels
    values = pixels * np.float64(scale(encoding, desired))
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.rint(values).clip(limits.min, limits.max)
    return values.astype(dtype)


def _check_is_array(pixels: object) -> None:
    if not isinstance(pixels, np.ndarray):
        raise TypeError('the image is not an array of NumPy')
