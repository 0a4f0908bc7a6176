"""The score: correlation of render and live image, block by block."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.exposure import contrast, exposed
from mesh_reloc_ros.kernels.layout import CHANNELS
from mesh_reloc_ros.kernels.photometric import (
    LiveImage,
    Template,
    is_censored,
    is_usable,
    project,
    render_of,
    sample,
)

# Blocks of this many pixels a side are compared one by one.
BLOCK_PX = 8
# A block counts if at least this share of it is seen, and if its render varies by more than this.
MIN_SEEN, MIN_DEVIATION = 0.3, 0.015
LEAST_CONTRAST = 0.1
# What is summed up of each block: its pixels, those that are seen, and by channel the colours of
# render and live image, their squares, and their product.
_PIXELS, _SEEN, _RENDER, _LIVE = 0, 1, 2, 2 + CHANNELS
_RENDER_SQUARED, _LIVE_SQUARED = 2 + 2 * CHANNELS, 2 + 3 * CHANNELS
_PRODUCT, _SUMS = 2 + 4 * CHANNELS, 2 + 5 * CHANNELS


@kernel(fastmath=True)
def block_correlations(
    batch: Template, live: LiveImage, live_T_keyframe: Any, exposure: Any
) -> Any:
    """Return the zero-mean normalized correlation of each block [B, blocks] at poses [B, 4, 4].

    NaN where little of a block is seen, or where its render has no contrast.

    :param batch: every pixel of renders of the live image's size, in order.
    :param exposure: [B, EXPOSURE_SIZE], tells which colours are beyond the limit of the image.
    """
    width = live.pixels.shape[1]
    across, down = -(-width // BLOCK_PX), -(-(batch.points.shape[1] // width) // BLOCK_PX)
    sums = np.empty((down * across, _SUMS))
    correlations = np.empty((len(live_T_keyframe), down * across))
    for b in range(len(live_T_keyframe)):
        sums[:] = 0
        _add_pixels(render_of(batch, b), live, live_T_keyframe[b], exposure[b], across, sums)
        for i in range(len(sums)):
            correlations[b, i] = _correlation(sums[i])
    return correlations


@kernel(fastmath=True)
def _add_pixels(
    render: Template,
    live: LiveImage,
    live_T_keyframe: Any,
    exposure: Any,
    across: int,
    sums: Any,
) -> None:
    points, colours, weights = render.points, render.colours, render.weights
    width = live.pixels.shape[1]
    for n in range(len(points)):
        cell = sums[n // width // BLOCK_PX * across + n % width // BLOCK_PX]
        cell[_PIXELS] += 1
        if not weights[n] > 0:
            continue
        inside, _, _, _, u, v = project(points, n, live_T_keyframe, live)
        if not (inside and is_usable(live, u, v)):
            continue
        cell[_SEEN] += 1
        for c in range(CHANNELS):
            colour, colour_live = colours[n, c], sample(live.pixels, u, v, c)[0]
            if is_censored(exposed(exposure, colour, c), colour_live):
                # As the image would show it.
                colour = (colour_live - exposed(exposure, 0.0, c)) / max(
                    contrast(exposure, colour, c), LEAST_CONTRAST
                )
            cell[_RENDER + c] += colour
            cell[_LIVE + c] += colour_live
            cell[_RENDER_SQUARED + c] += colour * colour
            cell[_LIVE_SQUARED + c] += colour_live * colour_live
            cell[_PRODUCT + c] += colour * colour_live


@kernel(fastmath=True)
def _correlation(sums: Any) -> float:
    seen = sums[_SEEN]
    if seen < MIN_SEEN * sums[_PIXELS]:
        return np.nan
    variance = live_variance = covariance = 0.0
    for c in range(CHANNELS):
        mean, live_mean = sums[_RENDER + c] / seen, sums[_LIVE + c] / seen
        variance += sums[_RENDER_SQUARED + c] / seen - mean * mean
        live_variance += sums[_LIVE_SQUARED + c] / seen - live_mean * live_mean
        covariance += sums[_PRODUCT + c] / seen - mean * live_mean
    if not variance > CHANNELS * MIN_DEVIATION**2:
        return np.nan
    return covariance / math.sqrt(max(variance * live_variance, 1e-12))
