"""Thumbnails cut from panoramas, and their comparison with an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel

# Side of the blocks whose means are subtracted before the comparison, in pixels.
_BLOCK = 4


@kernel()
def halved(colours: Any, side: int) -> Any:
    """Return panoramas [V, 6 (side/2)^2, 3] of half the size: means of 2x2 pixels.

    Pixels that show no mesh, which are black, are left out of the means.
    """
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
    """Return viewpoint [M], direction [M] and colours [M, N, 3] of the views with enough mesh.

    :param colours: [V, P, 3], panoramas.
    :param table: [D, N], the pixel of a panorama that each pixel of a view in a direction shows.
    :param min_covered: least share of pixels that show mesh.
    """
    covered = _covered(colours, table) >= min_covered * table.shape[1]
    places, directions = (index.astype(np.int32) for index in covered.nonzero())
    return places, directions, _gathered(colours, table, places, directions)


@kernel()
def _covered(colours: Any, table: Any) -> Any:
    """Return the number of pixels [V, D] that show mesh."""
    counts = np.zeros((len(colours), len(table)), dtype=np.int32)
    for view in range(len(colours)):
        for direction in range(len(table)):
            for pixel in table[direction]:
                counts[view, direction] += colours[view, pixel, 0] > 0
    return counts


@kernel()
def _gathered(colours: Any, table: Any, places: Any, directions: Any) -> Any:
    views = np.empty((len(places), table.shape[1], 3), dtype=np.uint8)
    for view in range(len(places)):
        for n in range(table.shape[1]):
            pixel = table[directions[view], n]
            for c in range(3):
                views[view, n, c] = colours[places[view], pixel, c]
    return views


@kernel(fastmath=True)
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
    """Return the scores [P] of pairs of a view and a roll of the image; see `_score`.

    :param colours: [V, P, 3], panoramas. :param table: [D, N], as for `thumbnails`.
    :param query: [R, N, 3], the image at every roll. :param shown: [R, N], 1 where it shows.
    """
    scores = np.empty(len(places), dtype=np.float32)
    for pair in range(len(places)):
        scores[pair] = _score(
            colours[places[pair]],
            table[directions[pair]],
            query[rolls[pair]],
            shown[rolls[pair]],
            min_overlap,
            full_overlap,
        )
    return scores


@kernel(fastmath=True)
def turn_to_best(
    colours: Any,
    places: Any,
    rotations: Any,
    scores: Any,
    turns: Any,
    rays: Any,
    sides: Any,
    query: Any,
    shown: Any,
    min_overlap: float,
    full_overlap: float,
) -> None:
    """Rotate the cameras [P, 3, 3] at panoramas to where the image agrees best; score them [P].

    Each round [rounds, T, 3, 3] takes the best of its rotations if it improves the score.

    :param rays: [N, 3], of the thumbnail's pixels. :param sides: [6, 3, 3], as `cube.SIDES`.
    :param query: [N, 3], the image. :param shown: [N], 1 where it shows.
    """
    side = int(math.sqrt(colours.shape[1] // 6))
    pixels = np.zeros(len(rays), dtype=np.int64)
    for pose in range(len(places)):
        panorama = colours[places[pose]]
        for turns_of_round in turns:
            best = rotations[pose].copy()
            for turn in turns_of_round:
                turned = _product(rotations[pose], turn)
                _look_up(turned, rays, shown, sides, side, pixels)
                score = _score(panorama, pixels, query, shown, min_overlap, full_overlap)
                if score > scores[pose]:
                    scores[pose] = score
                    best = turned
            rotations[pose] = best


@kernel(fastmath=True)
def _product(a: Any, b: Any) -> Any:
    product = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                product[i, j] += a[i, k] * b[k, j]
    return product


@kernel(fastmath=True)
def _look_up(rotation: Any, rays: Any, shown: Any, sides: Any, side: int, pixels: Any) -> None:
    """Fill in the pixels of a cube [N] that a camera sees; see `cube.cube_pixels`."""
    for n in range(len(rays)):
        if shown[n] == 0:
            continue
        x = y = z = 0.0
        number = 0
        a, b, c = rays[n]
        dx = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c
        dy = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c
        dz = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c
        for face in range(6):
            ahead = sides[face, 0, 2] * dx + sides[face, 1, 2] * dy + sides[face, 2, 2] * dz
            if ahead > z:
                z, number = ahead, face
        axes = sides[number]
        x = axes[0, 0] * dx + axes[1, 0] * dy + axes[2, 0] * dz
        y = axes[0, 1] * dx + axes[1, 1] * dy + axes[2, 1] * dz
        column = min(max(int((x / z + 1) * side / 2), 0), side - 1)
        row = min(max(int((y / z + 1) * side / 2), 0), side - 1)
        pixels[n] = (number * side + row) * side + column


@kernel(fastmath=True)
def _score(
    panorama: Any, pixels: Any, image: Any, shows: Any, min_overlap: float, full_overlap: float
) -> float:
    """Return the agreement of a view, pixels [N] of a panorama [P, 3], with an image [N, 3].

    It is the correlation, -1 to 1, after subtraction of the mean of each block, so that local
    lighting does not matter. It is reduced if little of the image overlaps with the mesh.
    """
    side = int(math.sqrt(len(pixels)))
    # Per channel sums of view and image; sums of their squares and of their product.
    sums = np.empty(9)
    view_variance = image_variance = covariance = overlap = 0.0
    for top in range(0, side, _BLOCK):
        for left in range(0, side, _BLOCK):
            sums[:] = 0
            count = 0
            for row in range(top, top + _BLOCK):
                for n in range(row * side + left, row * side + left + _BLOCK):
                    if shows[n] == 0:
                        continue
                    seen = panorama[pixels[n]]
                    if seen[0] == 0:
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
    if overlap < min_overlap:
        return -1.0
    correlation = covariance / math.sqrt(max(view_variance * image_variance, 1e-8))
    return float(correlation * math.sqrt(min(overlap / full_overlap, 1.0)))
