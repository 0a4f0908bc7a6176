"""The robust, weighted normal equations of the photometric residual.

The gain and offset of each block of points are eliminated (Schur complement). The weights do not
depend on them: a block that disagrees with the rest of the image in brightness counts less.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.exposure import block_prior, contrast, exposed
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

# Points are summed up in groups of this many.
_GROUP = 64
# The numbers of a group lie in one buffer, in rows at constant offsets: row + n is that of point n.
# Then the compiler knows that rows do not overlap, and uses vector instructions.
#
# Of every point: x / z, y / z, 1 / z, pixel u, v, weight, live colours, the pixel Jacobian.
_X, _Y, _INVERSE_Z, _U, _V, _POINT_WEIGHT = (_GROUP * row for row in range(6))
_LIVE, _ALONG_U, _ALONG_V = 6 * _GROUP, 9 * _GROUP, 15 * _GROUP
# Of the channel at hand: colour of the render, error, weight, and weight times gradient.
_COLOUR, _ERROR, _WEIGHT, _WEIGHTED_U, _WEIGHTED_V = (_GROUP * row for row in range(21, 26))
# Of all channels together: weight times products of gradients, and times error and gradient; the
# largest squared residual in units of scale, and the number of channels that tell nothing.
_UU, _UV, _VV, _EU, _EV, _SQUARED, _CENSORED = (_GROUP * row for row in range(26, 33))
# Scratch.
_LEFT, _RIGHT, _BUFFER_SIZE = 33 * _GROUP, 34 * _GROUP, 35 * _GROUP


class _BlockSystem(NamedTuple):
    """What the points of a block add to the normal equations."""

    pose: NDArray[np.float64]
    """[6, 7], lower half and gradient."""
    exposure: NDArray[np.float64]
    """[channels, parameters, channel unknowns + 1], the last column for the gradient."""


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
    )
    group = np.zeros(_BUFFER_SIZE, np.float32)
    for number in range(block_count(render)):
        block.pose[:] = 0
        block.exposure[:] = 0
        points = block_of(render, number)
        for first in range(0, len(points.points), _GROUP):
            _gather(points, first, live, live_T_keyframe, group, sums)
            _fill_jacobian(live, group)
            group[_UU:_LEFT] = 0
            for c in range(CHANNELS):
                _fill_channel(points, first, exposure, c, scale, group, sums)
                _add_exposure(group, block.exposure[c])
            _add_pose(group, block.pose)
            _add_seen(group, sums)
        _add_block(block, scale, system)
    for j in range(UNKNOWNS):
        for k in range(j):
            system[k, j] = system[j, k]


@kernel(fastmath=True)
def _gather(
    block: Template, first: int, live: LiveImage, live_T_keyframe: Any, group: Any, sums: Any
) -> None:
    """Fill in the points of a group, from point `first` of a block on. Unseen ones weigh 0."""
    group[:_LIVE] = 0
    height, width = live.pixels.shape[:2]
    for n in range(min(_GROUP, len(block.points) - first)):
        inside, x, y, inverse_z, u, v = project(block.points, first + n, live_T_keyframe, live)
        # Rounded to the precision of a group, a pixel may lie on the border, without neighbours.
        if inside and np.float32(u) < width - 1 and np.float32(v) < height - 1:
            group[_X + n], group[_Y + n], group[_INVERSE_Z + n] = x, y, inverse_z
            group[_U + n], group[_V + n] = u, v
            group[_POINT_WEIGHT + n] = block.weights[first + n]
    if len(live.usable):
        for n in range(_GROUP):
            if not is_usable(live, group[_U + n], group[_V + n]):
                sums[UNUSABLE] += group[_POINT_WEIGHT + n]
                group[_POINT_WEIGHT + n] = 0
    for n in range(_GROUP):
        for c in range(CHANNELS):
            group[_LIVE + c * _GROUP + n] = sample(live.pixels, group[_U + n], group[_V + n], c)[0]


@kernel(fastmath=True)
def _fill_jacobian(live: LiveImage, group: Any) -> None:
    """Fill in how a twist of the camera moves the pixels of a group."""
    fx, fy = np.float32(live.fx), np.float32(live.fy)
    for n in range(_GROUP):
        x, y, inverse_z = group[_X + n], group[_Y + n], group[_INVERSE_Z + n]
        along_u, along_v = pixel_jacobian(x, y, inverse_z, fx, fy)
        for j in range(POSE_SIZE):
            group[_ALONG_U + j * _GROUP + n] = along_u[j]
            group[_ALONG_V + j * _GROUP + n] = along_v[j]


@kernel(fastmath=True)
def _fill_channel(
    block: Template, first: int, exposure: Any, c: int, scale: float, group: Any, sums: Any
) -> None:
    """Fill in a channel of a group, and add it to what the channels have together."""
    group[_COLOUR:_UU] = 0
    for n in range(min(_GROUP, len(block.points) - first)):
        group[_COLOUR + n] = block.colours[first + n, c]
        group[_ERROR + n] = group[_LIVE + c * _GROUP + n]
        group[_WEIGHTED_U + n] = block.gradients[first + n, c, 0]
        group[_WEIGHTED_V + n] = block.gradients[first + n, c, 1]
    gain, offset = np.float32(contrast(exposure, 0.0, c)), np.float32(exposed(exposure, 0.0, c))
    one, inverse_scale2 = np.float32(1), np.float32(1 / (scale * scale))
    losses = squares = weights = np.float32(0)
    for n in range(_GROUP):
        predicted, colour_live = gain * group[_COLOUR + n] + offset, group[_ERROR + n]
        error = predicted - colour_live
        counts = np.float32(not is_censored(predicted, colour_live))
        squared = counts * error * error * inverse_scale2
        loss, weight, _ = robust_loss(squared)
        loss *= group[_POINT_WEIGHT + n]
        weight *= counts * group[_POINT_WEIGHT + n]
        losses += loss
        squares += weight * error * error
        weights += weight
        gu, gv = gain * group[_WEIGHTED_U + n], gain * group[_WEIGHTED_V + n]
        group[_ERROR + n], group[_WEIGHT + n] = error, weight
        group[_WEIGHTED_U + n], group[_WEIGHTED_V + n] = weight * gu, weight * gv
        group[_UU + n] += weight * gu * gu
        group[_UV + n] += weight * gu * gv
        group[_VV + n] += weight * gv * gv
        group[_EU + n] += weight * gu * error
        group[_EV + n] += weight * gv * error
        group[_SQUARED + n] = max(group[_SQUARED + n], squared)
        group[_CENSORED + n] += one - counts
    sums[LOSS] += losses
    sums[SQUARED] += squares
    sums[WEIGHT] += weights


@kernel(fastmath=True)
def _add_exposure(group: Any, own: Any) -> None:
    """Add the channel at hand to the part of a block's system that its exposure concerns."""
    gg = go = oo = eg = eo = np.float32(0)
    for n in range(_GROUP):
        gain, weight, error = group[_COLOUR + n], group[_WEIGHT + n], group[_ERROR + n]
        gg += weight * gain * gain
        go += weight * gain
        oo += weight
        eg += weight * gain * error
        eo += weight * error
    own[0, POSE_SIZE] += gg
    own[0, POSE_SIZE + 1] += go
    own[1, POSE_SIZE + 1] += oo
    own[0, _CHANNEL_UNKNOWNS] += eg
    own[1, _CHANNEL_UNKNOWNS] += eo
    for j in range(POSE_SIZE):
        along_u, along_v = _ALONG_U + j * _GROUP, _ALONG_V + j * _GROUP
        gains = offsets = np.float32(0)
        for n in range(_GROUP):
            pull = group[_WEIGHTED_U + n] * group[along_u + n]
            pull += group[_WEIGHTED_V + n] * group[along_v + n]
            gains += pull * group[_COLOUR + n]
            offsets += pull
        own[0, j] -= gains
        own[1, j] -= offsets


@kernel(fastmath=True)
def _add_pose(group: Any, pose: Any) -> None:
    """Add a group to the part of a block's system that concerns the pose alone."""
    for j in range(POSE_SIZE):
        along_u, along_v = _ALONG_U + j * _GROUP, _ALONG_V + j * _GROUP
        gradient = np.float32(0)
        for n in range(_GROUP):
            u, v = group[along_u + n], group[along_v + n]
            group[_LEFT + n] = group[_UU + n] * u + group[_UV + n] * v
            group[_RIGHT + n] = group[_UV + n] * u + group[_VV + n] * v
            gradient += group[_EU + n] * u + group[_EV + n] * v
        pose[j, POSE_SIZE] -= gradient
        for k in range(j + 1):
            other_u, other_v = _ALONG_U + k * _GROUP, _ALONG_V + k * _GROUP
            product = np.float32(0)
            for n in range(_GROUP):
                product += group[_LEFT + n] * group[other_u + n]
                product += group[_RIGHT + n] * group[other_v + n]
            pose[j, k] += product


@kernel(fastmath=True)
def _add_seen(group: Any, sums: Any) -> None:
    """Add the weights of a group's points by what is seen of them."""
    seen = inliers = unusable = np.float32(0)
    for n in range(_GROUP):
        is_seen = np.float32(group[_CENSORED + n] < CHANNELS)
        is_inlier = np.float32(group[_SQUARED + n] < 1)
        weight = group[_POINT_WEIGHT + n]
        seen += weight * is_seen
        inliers += weight * is_seen * is_inlier
        unusable += weight * (np.float32(1) - is_seen)
    sums[SEEN] += seen
    sums[INLIERS] += inliers
    sums[UNUSABLE] += unusable


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
