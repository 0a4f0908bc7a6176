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
# The second difference of second differences cancels what is smooth; its weights add up to this
# when squared: J. Immerkaer, "Fast noise variance estimation", CVIU 64, 1996.
_DIFFERENCES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_GAIN = 6.0
# Standard deviation over median absolute value, of a normal distribution.
_NORMAL = 1.4826


def usable_pixels(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return where an image [H, W, 3] is no black border, [H, W] of 0 and 255; None: everywhere.

    Rectified images, fisheye images and letterboxes have black borders: black, and connected to the
    edge of the image.
    """
    if (_edge_of(image).max(-1) <= _BLACK).mean() < _MIN_EDGE_SHARE:
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
    strip = np.ascontiguousarray(image[first : first + _NOISE_ROWS])
    green = cv2.extractChannel(strip, 1)
    differences = cv2.filter2D(green, cv2.CV_16S, _DIFFERENCES)[1:-1:_STRIDE, 1:-1:_STRIDE]
    if not differences.size:
        return 0.0
    return float(_NORMAL * np.median(np.abs(differences)) / _GAIN / 255)
