"""Correlation of two images in the window around each pixel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def window_correlation(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    counts: NDArray[np.float32],
    window_px: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the correlation around each pixel [H, W], and the first image's variance there.

    :param first, second: [H, W, C]; covariances and variances of the channels are added up.
    :param counts: [H, W], 0 where pixels do not count. :param window_px: width of the window.
    """
    number = np.maximum(window_sum(counts, window_px), 1e-6)

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        return window_sum(values * counts, window_px) / number

    variance = other = both = np.zeros_like(counts)
    for a, b in zip(np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0), strict=True):
        a_mean, b_mean = mean(a), mean(b)
        variance = variance + mean(a * a) - a_mean**2
        other = other + mean(b * b) - b_mean**2
        both = both + mean(a * b) - a_mean * b_mean
    return both / np.sqrt(np.maximum(variance * other, 1e-9)), variance


def window_sum(values: NDArray[Any], window_px: int) -> NDArray[Any]:
    """Return the sum over the window around each pixel [H, W]."""
    kept = np.ascontiguousarray(values, dtype=np.float32)
    window = (window_px, window_px)
    return cv2.boxFilter(kept, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
