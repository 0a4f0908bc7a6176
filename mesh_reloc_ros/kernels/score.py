"""The score in one compiled pass over the pixels, for the CPU.

It computes what `score.block_correlations_by_tensors` does; see there for what it means.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel

_NEAR_M = 1e-2


@kernel(fastmath=True)
def block_correlations(
    points: Any,
    colours: Any,
    weights: Any,
    width: int,
    image: Any,
    intrinsics: Any,
    delta: Any,
    block: int,
    min_seen: float,
    min_deviation: float,
) -> Any:
    """Return the correlation of each block, for one pose; NaN where a block says nothing.

    :param points: [N, 3], of all pixels of a render of so many columns, in order.
    """
    fx, fy, cx, cy = intrinsics
    rows, columns = image.shape[:2]
    across = -(-width // block)
    down = -(-(len(points) // width) // block)
    # Per block: weight; per channel means of render and image, their squares and product.
    sums = np.zeros((down * across, 16))
    counts = np.zeros(down * across)
    for n in range(len(points)):
        cell = sums[n // width // block * across + n % width // block]
        counts[n // width // block * across + n % width // block] += 1
        if not weights[n] > 0:
            continue
        px, py, pz = points[n, 0], points[n, 1], points[n, 2]
        x = delta[0, 0] * px + delta[0, 1] * py + delta[0, 2] * pz + delta[0, 3]
        y = delta[1, 0] * px + delta[1, 1] * py + delta[1, 2] * pz + delta[1, 3]
        z = delta[2, 0] * px + delta[2, 1] * py + delta[2, 2] * pz + delta[2, 3]
        if not z > _NEAR_M:
            continue
        u, v = fx * x / z + cx, fy * y / z + cy
        if not (u >= 0 and v >= 0 and u < columns - 1 and v < rows - 1):
            continue
        u0, v0 = int(u), int(v)
        a, b = u - u0, v - v0
        cell[0] += 1
        for c in range(3):
            top = (1 - a) * image[v0, u0, c] + a * image[v0, u0 + 1, c]
            bottom = (1 - a) * image[v0 + 1, u0, c] + a * image[v0 + 1, u0 + 1, c]
            rendered, live = colours[n, c], ((1 - b) * top + b * bottom) / 255
            cell[1 + c] += rendered
            cell[4 + c] += live
            cell[7 + c] += rendered * rendered
            cell[10 + c] += live * live
            cell[13 + c] += rendered * live
    correlations = np.full(len(sums), np.nan)
    for i in range(len(sums)):
        seen = sums[i, 0]
        if seen < min_seen * counts[i]:
            continue
        mean = sums[i] / seen
        variance = live_variance = covariance = 0.0
        for c in range(3):
            variance += mean[7 + c] - mean[1 + c] ** 2
            live_variance += mean[10 + c] - mean[4 + c] ** 2
            covariance += mean[13 + c] - mean[1 + c] * mean[4 + c]
        if variance > 3 * min_deviation**2:
            length = math.sqrt(max(variance * live_variance, 1e-12))
            correlations[i] = covariance / length
    return correlations
