"""The figures of every block of points that the covariance is made of; see `layout`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.exposure import block_prior, contrast, exposed
from mesh_reloc_ros.kernels.layout import CHANNELS, CURVATURE, PLACE, POSE_SIZE, RENDER
from mesh_reloc_ros.kernels.photometric import (
    LiveImage,
    Template,
    block_count,
    block_of,
    is_censored,
    is_usable,
    pixel_jacobian,
    project,
    render_of,
    robust_loss,
    sample,
)


class _SeenPoints(NamedTuple):
    """The points of a block that are seen, with room for all N of it."""

    rays: NDArray[np.float64]
    """[3, N], x / z, y / z, 1 / z."""
    channels: NDArray[np.float64]
    """[CHANNELS, rows, N]; the rows are below."""
    pull: NDArray[np.float64]
    """[2, N], weighted error times gradient along u and v, the channels together."""
    energy: NDArray[np.float64]
    """[N], weight times squared gradient, the channels together."""


# Of each channel: error; weight, and the derivative of its logarithm with respect to the squared
# error in units of scale; derivative with respect to the block's gain (that of its offset is 1);
# gradients of the render, as exposed, and of the live image.
_ERROR, _WEIGHT, _STEEPNESS, _GAIN, _U, _V, _LIVE_U, _LIVE_V = range(8)
_ROWS = 8


@kernel(fastmath=True)
def sum_blocks(
    batch: Template,
    live: LiveImage,
    live_T_keyframe: Any,
    exposure: Any,
    scale: float,
    figures: Any,
) -> None:
    """Fill the figures [B, blocks, FIGURES] at poses [B, 4, 4] and exposures [B, EXPOSURE_SIZE]."""
    size = batch.block_size
    seen = _SeenPoints(
        np.empty((3, size)),
        np.empty((CHANNELS, _ROWS, size)),
        np.empty((2, size)),
        np.empty(size),
    )
    figures[:] = 0
    for b in range(len(live_T_keyframe)):
        render = render_of(batch, b)
        for number in range(block_count(render)):
            block = block_of(render, number)
            count = _sample(block, live, live_T_keyframe[b], exposure[b], scale, seen)
            seen.pull[:] = 0
            seen.energy[:] = 0
            for c in range(CHANNELS):
                _add_channel(seen, count, scale, c, figures[b, number])
            _add_places(seen, count, live, figures[b, number])


@kernel(fastmath=True)
def _sample(
    block: Template,
    live: LiveImage,
    live_T_keyframe: Any,
    exposure: Any,
    scale: float,
    seen: _SeenPoints,
) -> int:
    """Fill rays and channels of a block's points; return how many are seen."""
    points, colours, gradients, weights, _ = block
    rays, channels = seen.rays, seen.channels
    inverse_scale2 = 1.0 / (scale * scale)
    count = 0
    for n in range(len(points)):
        if not weights[n] > 0:
            continue
        inside, x, y, inverse_z, u, v = project(points, n, live_T_keyframe, live)
        if not (inside and is_usable(live, u, v)):
            continue
        rays[0, count], rays[1, count], rays[2, count] = x, y, inverse_z
        for c in range(CHANNELS):
            colour, channel = colours[n, c], channels[c]
            colour_live, live_u, live_v = sample(live.pixels, u, v, c)
            predicted = exposed(exposure, colour, c)
            error = predicted - colour_live
            _, weight, steepness = robust_loss(error * error * inverse_scale2)
            slope = contrast(exposure, colour, c)
            channel[_ERROR, count] = error
            if is_censored(predicted, colour_live):
                weight = 0.0
            channel[_WEIGHT, count] = weights[n] * weight
            channel[_STEEPNESS, count] = steepness
            channel[_GAIN, count] = colour
            channel[_U, count] = slope * gradients[n, c, 0]
            channel[_V, count] = slope * gradients[n, c, 1]
            channel[_LIVE_U, count] = live_u
            channel[_LIVE_V, count] = live_v
        count += 1
    return count


@kernel(fastmath=True)
def _add_channel(seen: _SeenPoints, count: int, scale: float, c: int, figures: Any) -> None:
    """Add a channel to a block's figures, and to what its points pull."""
    rows = seen.channels[c]
    error, weights, steepness, template = rows[_ERROR], rows[_WEIGHT], rows[_STEEPNESS], rows[_GAIN]
    gu, gv, lu, lv = rows[_U], rows[_V], rows[_LIVE_U], rows[_LIVE_V]
    pull, energy = seen.pull, seen.energy
    gg = go = oo = eg = eo = ug = uo = vg = vo = 0.0
    for n in range(count):
        weight = weights[n]
        weighted = weight * template[n]
        gg += weighted * template[n]
        go += weighted
        oo += weight
        eg += weighted * error[n]
        eo += weight * error[n]
        ug += weighted * gu[n]
        uo += weight * gu[n]
        vg += weighted * gv[n]
        vo += weight * gv[n]
    gain_prior, offset_prior = block_prior(scale)
    gg, oo = gg + gain_prior, oo + offset_prior
    determinant = gg * oo - go * go
    gain, offset = (oo * eg - go * eo) / determinant, (gg * eo - go * eg) / determinant
    u_gain, u_offset = (oo * ug - go * uo) / determinant, (gg * uo - go * ug) / determinant
    v_gain, v_offset = (oo * vg - go * vo) / determinant, (gg * vo - go * vg) / determinant
    # At the solution for the block's gain and offset, this is left of the gradient with respect to
    # those of the image.
    figures[POSE_SIZE + c] = gain_prior * gain
    figures[POSE_SIZE + CHANNELS + c] = offset_prior * offset
    twice_inverse_scale2 = 2 / (scale * scale)
    uu = uv = vv = kuu = kuv = kvu = kvv = 0.0
    for n in range(count):
        weight, rest = weights[n], error[n] - gain * template[n] - offset
        # The derivative of weight times rest, where gain and offset go along.
        curved = weight * (1 + twice_inverse_scale2 * steepness[n] * error[n] * rest)
        pull[0, n] += weight * rest * gu[n]
        pull[1, n] += weight * rest * gv[n]
        energy[n] += weight * (gu[n] * gu[n] + gv[n] * gv[n])
        # The gradients, as far as gain and offset do not explain them.
        ru = gu[n] - u_gain * template[n] - u_offset
        rv = gv[n] - v_gain * template[n] - v_offset
        uu += weight * ru * gu[n]
        uv += weight * ru * gv[n]
        vv += weight * rv * gv[n]
        kuu += curved * ru * lu[n]
        kuv += curved * ru * lv[n]
        kvu += curved * rv * lu[n]
        kvv += curved * rv * lv[n]
    figures[RENDER] += uu
    figures[RENDER + 1] += uv
    figures[RENDER + 2] += vv
    figures[CURVATURE] += kuu
    figures[CURVATURE + 1] += kuv
    figures[CURVATURE + 2] += kvu
    figures[CURVATURE + 3] += kvv


@kernel(fastmath=True)
def _add_places(seen: _SeenPoints, count: int, live: LiveImage, figures: Any) -> None:
    """Add the gradient with respect to the pose, and where the points are."""
    rays, pull, energy = seen.rays, seen.pull, seen.energy
    for n in range(count):
        u, v = pixel_jacobian(rays[0, n], rays[1, n], rays[2, n], live.fx, live.fy)
        for j in range(POSE_SIZE):
            figures[j] -= pull[0, n] * u[j] + pull[1, n] * v[j]
        figures[PLACE] += energy[n]
        for i in range(3):
            figures[PLACE + 1 + i] += energy[n] * rays[i, n]
