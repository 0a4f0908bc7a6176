"""Pixels that carry no information, and the noise of an image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# A border is not brighter than this, of 255. It counts from this share of the image's edge on.
_BLACK, _MIN_EDGE_SHARE = 3, 0.01
# Compressed images ring beside a border, and interpolation blurs it.
_MARGIN_PX = 4
# The noise is estimated in every n-th row and column of so many rows in the middle.
_STRIDE, _NOISE_ROWS = 3, 96
# The second difference of second differences cancels what is smooth; its weights add up to the
# gain's square when squared: J. Immerkaer, "Fast noise variance estimation", CVIU 64, 1996.
_DIFFERENCE = np.array([1, -2, 1], dtype=np.float32)
_GAIN = 6.0
# Standard deviation over median absolute value, of a normal distribution.
_NORMAL = 1.4826


def usable_pixels(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return where an image [H, W, 3] is no black border, [H, W] of 0 and 255; None: everywhere.

    Rectified images, fisheye images and letterboxes have black borders: black, and connected to the
    edge of the image.
    """
    red, green, blue = _edge_of(image).T
    # At most 3 in every channel: no bit above the second is set in any.
    if ((red | green | blue) <= _BLACK).mean() < _MIN_EDGE_SHARE:
        return None
    count, labels = cv2.connectedComponents(cv2.inRange(image, (0, 0, 0), (_BLACK,) * 3))
    is_border = np.zeros(count, dtype=np.uint8)
    is_border[_edge_of(labels)] = 255
    is_border[0] = 0
    side = 2 * _MARGIN_PX + 1
    border = cv2.dilate(is_border[labels], np.ones((side, side), dtype=np.uint8))
    return np.asarray(255 - border, dtype=np.uint8)


def _edge_of(image: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels [N, ...] along the edge of an image [H, W, ...]."""
    return np.concatenate((image[0], image[-1], image[:, 0], image[:, -1]))


def noise_deviation(image: NDArray[np.uint8]) -> float:
    """Return the standard deviation of the noise of an image [H, W, 3], 0 to 1."""
    first = max(len(image) - _NOISE_ROWS, 0) // 2
    green = cv2.extractChannel(image[first : first + _NOISE_ROWS], 1)
    differences = cv2.sepFilter2D(green, cv2.CV_16S, _DIFFERENCE, _DIFFERENCE)
    sizes = np.abs(differences[1:-1:_STRIDE, 1:-1:_STRIDE]).ravel()
    if not sizes.size:
        return 0.0
    median = np.partition(sizes, len(sizes) // 2)[len(sizes) // 2]
    return float(_NORMAL * median / _GAIN / 255)
