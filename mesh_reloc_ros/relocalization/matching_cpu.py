"""Thumbnails from panoramas and their comparison in compiled functions, for the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Pixels along a side of the blocks that are also compared by themselves, each without its mean.
_BLOCK = 4


@njit(cache=True, nogil=True)
def halved(colours: Any, side: int) -> Any:
    """Return panoramas [V, 6 (side/2)^2, 3]: means of 2x2 pixels, of those that show mesh."""
    half = side // 2
    small = np.zeros((len(colours), 6 * half * half, 3), dtype=np.uint8)
    for view in range(len(colours)):
        for face in range(6):
            for row in range(half):
                for column in range(half):
                    first = (face * side + 2 * row) * side + 2 * column
                    red = green = blue = count = 0
                    for pixel in (first, first + 1, first + side, first + side + 1):
                        colour = colours[view, pixel]
                        if colour[0] > 0:
                            red += colour[0]
                            green += colour[1]
                            blue += colour[2]
                            count += 1
                    if count > 0:
                        mean = small[view, (face * half + row) * half + column]
                        mean[0] = red // count
                        mean[1] = green // count
                        mean[2] = blue // count
    return small


def thumbnails(
    colours: NDArray[np.uint8], table: NDArray[np.int64], min_covered: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Return viewpoint [M], direction [M] and colours [M, N, 3] of all views with enough mesh.

    :param colours: [V, P, 3], panoramas. :param table: [D, N], pixel of a panorama in each pixel of
        the view in each direction.
    """
    covered = _covered(colours, table) >= min_covered * table.shape[1]
    places, directions = (index.astype(np.int32) for index in covered.nonzero())
    return places, directions, _gathered(colours, table, places, directions)


@njit(cache=True, nogil=True)
def _covered(colours: Any, table: Any) -> Any:
    """Return the number of pixels [V, D] that show mesh."""
    counts = np.zeros((len(colours), len(table)), dtype=np.int32)
    for view in range(len(colours)):
        for direction in range(len(table)):
            for pixel in table[direction]:
                counts[view, direction] += colours[view, pixel, 0] > 0
    return counts


@njit(cache=True, nogil=True)
def _gathered(colours: Any, table: Any, places: Any, directions: Any) -> Any:
    views = np.empty((len(places), table.shape[1], 3), dtype=np.uint8)
    for view in range(len(places)):
        for n in range(table.shape[1]):
            pixel = table[directions[view], n]
            for c in range(3):
                views[view, n, c] = colours[places[view], pixel, c]
    return views


@njit(cache=True, nogil=True, fastmath=True)
def pair_scores(
    colours: Any,
    table: Any,
    places: Any,
    directions: Any,
    rolls: Any,
    query: Any,
    shown: Any,
    min_overlap: float,
    full_overlap: float,
) -> Any:
    """Return the scores [P] of pairs of a view and a roll of the image.

    The score is the correlation of the whole plus that of what is left without each block's mean,
    which bears light that differs from place to place. It is less where little overlaps.

    :param colours: [V, P, 3], panoramas. :param table: [D, N], as for `thumbnails`.
    :param query: [R, N, 3], the image at every roll. :param shown: [R, N], 1 where it shows.
    """
    side = int(math.sqrt(table.shape[1]))
    scores = np.empty(len(places), dtype=np.float32)
    # Pixels; per channel sums of view and image; sums of their squares and of their product.
    whole, block = np.empty(10), np.empty(10)
    # Sums over the blocks of variances and covariance.
    local = np.empty(3)
    for pair in range(len(places)):
        panorama, pixels = colours[places[pair]], table[directions[pair]]
        image, shows = query[rolls[pair]], shown[rolls[pair]]
        whole[:] = 0
        local[:] = 0
        for top in range(0, side, _BLOCK):
            for left in range(0, side, _BLOCK):
                block[:] = 0
                for row in range(top, top + _BLOCK):
                    for n in range(row * side + left, row * side + left + _BLOCK):
                        seen = panorama[pixels[n]]
                        if shows[n] == 0 or seen[0] == 0:
                            continue
                        block[0] += 1
                        for c in range(3):
                            one, other = seen[c] / np.float32(255), image[n, c]
                            block[1 + c] += one
                            block[4 + c] += other
                            block[7] += one * one
                            block[8] += other * other
                            block[9] += one * other
                if block[0] > 0:
                    whole += block
                    _add_moments(block, local)
        overlap = whole[0] / shown[rolls[pair]].sum()
        if overlap < min_overlap:
            scores[pair] = -2
            continue
        moments = np.zeros(3)
        _add_moments(whole, moments)
        score = _correlation(moments) + _correlation(local)
        scores[pair] = score * math.sqrt(min(overlap / full_overlap, 1.0))
    return scores


@njit(cache=True, nogil=True, fastmath=True)
def _add_moments(sums: Any, moments: Any) -> None:
    """Add variances and covariance [3] of what was summed up [10], about the channels' means."""
    for i in range(3):
        moments[i] += sums[7 + i]
    for c in range(3):
        one, other = sums[1 + c], sums[4 + c]
        moments[0] -= one * one / sums[0]
        moments[1] -= other * other / sums[0]
        moments[2] -= one * other / sums[0]


@njit(cache=True, nogil=True, fastmath=True)
def _correlation(moments: Any) -> float:
    return float(moments[2] / math.sqrt(max(moments[0] * moments[1], 1e-8)))
