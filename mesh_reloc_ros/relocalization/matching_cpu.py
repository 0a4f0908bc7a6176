"""Thumbnails from panoramas and their comparison in compiled functions, for the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Pixels along a side of the blocks that are compared by themselves, each without its mean.
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
    """Return the scores [P] of pairs of a view and a roll of the image, -1 to 1.

    The score is the correlation of what is left when each block's mean is taken away, which bears
    light that differs from place to place. It is less where little overlaps.

    :param colours: [V, P, 3], panoramas. :param table: [D, N], as for `thumbnails`.
    :param query: [R, N, 3], the image at every roll. :param shown: [R, N], 1 where it shows.
    """
    side = int(math.sqrt(table.shape[1]))
    scores = np.empty(len(places), dtype=np.float32)
    # Per channel sums of view and image; sums of their squares and of their product.
    sums = np.empty(9)
    for pair in range(len(places)):
        panorama, pixels = colours[places[pair]], table[directions[pair]]
        image, shows = query[rolls[pair]], shown[rolls[pair]]
        view_variance = image_variance = covariance = overlap = 0.0
        for top in range(0, side, _BLOCK):
            for left in range(0, side, _BLOCK):
                sums[:] = 0
                count = 0
                for row in range(top, top + _BLOCK):
                    for n in range(row * side + left, row * side + left + _BLOCK):
                        seen = panorama[pixels[n]]
                        if shows[n] == 0 or seen[0] == 0:
                            continue
                        count += 1
                        for c in range(3):
                            one, other = seen[c] / np.float32(255), image[n, c]
                            sums[c] += one
                            sums[3 + c] += other
                            sums[6] += one * one
                            sums[7] += other * other
                            sums[8] += one * other
                if count == 0:
                    continue
                overlap += count
                view_variance += sums[6]
                image_variance += sums[7]
                covariance += sums[8]
                for c in range(3):
                    view_variance -= sums[c] * sums[c] / count
                    image_variance -= sums[3 + c] * sums[3 + c] / count
                    covariance -= sums[c] * sums[3 + c] / count
        overlap /= shows.sum()
        correlation = covariance / math.sqrt(max(view_variance * image_variance, 1e-8))
        correlation *= math.sqrt(min(overlap / full_overlap, 1.0))
        scores[pair] = correlation if overlap >= min_overlap else -1
    return scores
