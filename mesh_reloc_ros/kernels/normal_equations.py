"""The robust, weighted normal equations of the photometric residual.

The gain and offset of each block of points are eliminated (Schur complement). The weights do not
depend on them: a block that disagrees with the rest of the image in brightness counts less.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.exposure import block_prior, contrast, exposed, exposure_jacobian
from mesh_reloc_ros.kernels.layout import (
    CHANNELS,
    EXPOSURE_PARAMETERS,
    GRADIENT,
    INLIERS,
    LOSS,
    POSE_SIZE,
    SEEN,
    SQUARED,
    UNKNOWNS,
    UNUSABLE,
    WEIGHT,
)
from mesh_reloc_ros.kernels.photometric import (
    LiveImage,
    Template,
    block_count,
    block_of,
    is_censored,
    is_usable,
    pixel_jacobian,
    project,
    robust_loss,
    sample,
)

# The unknowns that concern one channel: the pose, then the parameters of its exposure.
_CHANNEL_UNKNOWNS = POSE_SIZE + EXPOSURE_PARAMETERS


class _BlockSystem(NamedTuple):
    """What the points of a block add to the normal equations."""

    pose: NDArray[np.float64]
    """[6, 7], lower half and gradient."""
    exposure: NDArray[np.float64]
    """[channels, parameters, channel unknowns + 1], the last column for the gradient."""
    along: NDArray[np.float64]
    """[2, 6], pixel Jacobian of the point at hand."""


@kernel(fastmath=True)
def accumulate(
    render: Template,
    live: LiveImage,
    live_T_keyframe: Any,
    exposure: Any,
    scale: float,
    system: Any,
    sums: Any,
) -> None:
    """Fill the system [UNKNOWNS, COLUMNS] and the sums [SUMS] of one pose [4, 4] and exposure."""
    system[:] = 0
    sums[:] = 0
    block = _BlockSystem(
        np.zeros((POSE_SIZE, POSE_SIZE + 1)),
        np.zeros((CHANNELS, EXPOSURE_PARAMETERS, _CHANNEL_UNKNOWNS + 1)),
        np.zeros((2, POSE_SIZE)),
    )
    for number in range(block_count(render)):
        block.pose[:] = 0
        block.exposure[:] = 0
        _add_points(block_of(render, number), live, live_T_keyframe, exposure, scale, block, sums)
        _add_block(block, scale, system)
    for j in range(UNKNOWNS):
        for k in range(j):
            system[k, j] = system[j, k]


@kernel(fastmath=True)
def _add_points(
    template: Template,
    live: LiveImage,
    live_T_keyframe: Any,
    exposure: Any,
    scale: float,
    block: _BlockSystem,
    sums: Any,
) -> None:
    points, colours, gradients, weights, _ = template
    pose, own, along = block
    inverse_scale2 = 1.0 / (scale * scale)
    for n in range(len(points)):
        if not weights[n] > 0:
            continue
        inside, x, y, inverse_z, u, v = project(points, n, live_T_keyframe, live)
        if not inside:
            continue
        if not is_usable(live, u, v):
            sums[UNUSABLE] += weights[n]
            continue
        pixel_jacobian(x, y, inverse_z, live.fx, live.fy, along)
        uu = uv = vv = eu = ev = 0.0
        inlier, censored = True, 0
        for c in range(CHANNELS):
            colour = colours[n, c]
            predicted, colour_live = exposed(exposure, colour, c), sample(live.pixels, u, v, c)[0]
            if is_censored(predicted, colour_live):
                censored += 1
                continue
            error = predicted - colour_live
            slope = contrast(exposure, colour, c)
            gu, gv = slope * gradients[n, c, 0], slope * gradients[n, c, 1]
            squared = error * error * inverse_scale2
            loss, weight, _ = robust_loss(squared)
            weight *= weights[n]
            inlier = inlier and squared < 1
            sums[LOSS] += weights[n] * loss
            sums[SQUARED] += weight * error * error
            sums[WEIGHT] += weight
            wu, wv = weight * gu, weight * gv
            uu += wu * gu
            uv += wu * gv
            vv += wv * gv
            eu += wu * error
            ev += wv * error
            derivatives = exposure_jacobian(exposure, colour, c)
            for p in range(EXPOSURE_PARAMETERS):
                weighted = weight * derivatives[p]
                for j in range(POSE_SIZE):
                    own[c, p, j] -= (wu * along[0, j] + wv * along[1, j]) * derivatives[p]
                for q in range(p, EXPOSURE_PARAMETERS):
                    own[c, p, POSE_SIZE + q] += weighted * derivatives[q]
                own[c, p, _CHANNEL_UNKNOWNS] += weighted * error
        for j in range(POSE_SIZE):
            left = uu * along[0, j] + uv * along[1, j]
            right = uv * along[0, j] + vv * along[1, j]
            for k in range(j + 1):
                pose[j, k] += left * along[0, k] + right * along[1, k]
            pose[j, POSE_SIZE] -= eu * along[0, j] + ev * along[1, j]
        if censored == CHANNELS:
            sums[UNUSABLE] += weights[n]
            continue
        sums[SEEN] += weights[n]
        if inlier:
            sums[INLIERS] += weights[n]


@kernel(fastmath=True)
def _add_block(block: _BlockSystem, scale: float, system: Any) -> None:
    """Add a block to the lower half of the system, its gain and offset eliminated."""
    for j in range(POSE_SIZE):
        for k in range(j + 1):
            system[j, k] += block.pose[j, k]
        system[j, GRADIENT] += block.pose[j, POSE_SIZE]
    gain_prior, offset_prior = block_prior(scale)
    last = _CHANNEL_UNKNOWNS
    for c in range(CHANNELS):
        own = block.exposure[c]
        for p in range(EXPOSURE_PARAMETERS):
            for q in range(p):
                own[p, POSE_SIZE + q] = own[q, POSE_SIZE + p]
        gain, offset = own[0], own[1]
        gg, oo = gain[POSE_SIZE] + gain_prior, offset[POSE_SIZE + 1] + offset_prior
        go = gain[POSE_SIZE + 1]
        determinant = gg * oo - go * go
        for j in range(_CHANNEL_UNKNOWNS):
            by_gain = (oo * gain[j] - go * offset[j]) / determinant
            by_offset = (gg * offset[j] - go * gain[j]) / determinant
            row = _unknown(j, c)
            for k in range(j + 1):
                system[row, _unknown(k, c)] -= by_gain * gain[k] + by_offset * offset[k]
            system[row, GRADIENT] -= by_gain * gain[last] + by_offset * offset[last]
            if j >= POSE_SIZE:
                for k in range(j + 1):
                    system[row, _unknown(k, c)] += own[j - POSE_SIZE, k]
                system[row, GRADIENT] += own[j - POSE_SIZE, last]


@kernel()
def _unknown(number: int, channel: int) -> int:
    """Return the place among all unknowns of one of those that concern a channel."""
    if number < POSE_SIZE:
        return number
    return POSE_SIZE + (number - POSE_SIZE) * CHANNELS + channel
