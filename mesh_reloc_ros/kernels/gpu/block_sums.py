"""The figures of `kernels.block_sums`, one program for each block of points."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import exposure as model
from mesh_reloc_ros.kernels import layout
from mesh_reloc_ros.kernels.gpu.layout import EXPOSURE, POSE, POSE_SIZE, SCALE, STATE_SIZE
from mesh_reloc_ros.kernels.gpu.photometric import (
    CHANNELS,
    is_censored,
    look_up,
    pixel_jacobian,
    sample,
)

_RENDER, _CURVATURE = tl.constexpr(layout.RENDER), tl.constexpr(layout.CURVATURE)
_PLACE, _FIGURES = tl.constexpr(layout.PLACE), tl.constexpr(layout.FIGURES)
_PADDED = tl.constexpr(32)
_GAIN_SIGMA = tl.constexpr(model.BLOCK_GAIN_SIGMA)
_OFFSET_SIGMA = tl.constexpr(model.BLOCK_OFFSET_SIGMA)

_NUMBERS = ['count', 'block_size', 'blocks', 'width', 'height', 'has_mask']
_POINTERS = ['points', 'colours', 'gradients', 'weights', 'pixels', 'usable', 'level', 'state']


@triton.jit(do_not_specialize=_NUMBERS, do_not_specialize_on_alignment=[*_POINTERS, 'figures'])
def sum_blocks(
    points,
    colours,
    gradients,
    weights,
    pixels,
    usable,
    level,
    state,
    figures,
    count,
    block_size,
    blocks,
    width,
    height,
    has_mask,
    BLOCK: tl.constexpr,
):
    """Write the figures of block `program_id(0)` at the pose of alignment (1).

    :param figures: [B, blocks, FIGURES] float64. All else is as in `accumulate`.
    """
    block, alignment = tl.program_id(0), tl.program_id(1)
    own = state + alignment * STATE_SIZE
    within = tl.arange(0, BLOCK)
    n = block * block_size + within
    exists = (within < block_size) & (n < count)
    n = alignment * count + n
    weight = tl.load(weights + n, mask=exists, other=0.0)
    x, y, inverse_z, corner, a, b, is_seen, is_usable = look_up(
        points, n, exists & (weight > 0), own + POSE, level, usable, width, height, has_mask
    )
    is_seen &= is_usable
    weight = tl.where(is_seen, weight, 0.0).to(tl.float64)
    scale = tl.load(own + SCALE)
    found = tl.zeros((_PADDED,), tl.float64)
    pull_u, pull_v = tl.zeros((BLOCK,), tl.float64), tl.zeros((BLOCK,), tl.float64)
    energy = tl.zeros((BLOCK,), tl.float64)
    for c in tl.static_range(CHANNELS):
        gain = tl.load(own + EXPOSURE + c)
        offset = tl.load(own + EXPOSURE + CHANNELS + c)
        at = n * CHANNELS + c
        colour = tl.load(colours + at, mask=exists, other=0.0).to(tl.float64)
        gu = gain * tl.load(gradients + at * 2, mask=exists, other=0.0)
        gv = gain * tl.load(gradients + at * 2 + 1, mask=exists, other=0.0)
        live, lu, lv = sample(pixels, corner, width, a, b, c, is_seen)
        predicted = gain * colour + offset
        error = predicted - live
        share = 1 / (1 + error * error / (scale * scale))
        robust = tl.where(is_censored(predicted, live), 0.0, weight * share * share)
        left, left_u, left_v, own_gain, own_offset = _without_exposure(
            robust, colour, error, gu, gv, scale
        )
        curved = robust * (1 - 4 * share * error * left / (scale * scale))
        pull_u += robust * left * gu
        pull_v += robust * left * gv
        energy += robust * (gu * gu + gv * gv)
        found = _add(found, POSE_SIZE + c, own_gain)
        found = _add(found, POSE_SIZE + CHANNELS + c, own_offset)
        found = _add(found, _RENDER, tl.sum(robust * left_u * gu))
        found = _add(found, _RENDER + 1, tl.sum(robust * left_u * gv))
        found = _add(found, _RENDER + 2, tl.sum(robust * left_v * gv))
        found = _add(found, _CURVATURE, tl.sum(curved * left_u * lu))
        found = _add(found, _CURVATURE + 1, tl.sum(curved * left_u * lv))
        found = _add(found, _CURVATURE + 2, tl.sum(curved * left_v * lu))
        found = _add(found, _CURVATURE + 3, tl.sum(curved * left_v * lv))
    fx, fy = tl.load(level), tl.load(level + 1)
    for j in tl.static_range(POSE_SIZE):
        along_u, along_v = pixel_jacobian(x, y, inverse_z, fx, fy, j)
        found = _add(found, j, -tl.sum(pull_u * along_u + pull_v * along_v))
    found = _add(found, _PLACE, tl.sum(energy))
    found = _add(found, _PLACE + 1, tl.sum(energy * x))
    found = _add(found, _PLACE + 2, tl.sum(energy * y))
    found = _add(found, _PLACE + 3, tl.sum(energy * inverse_z))
    place = tl.arange(0, _PADDED)
    into = figures + (alignment * blocks + block) * _FIGURES
    tl.store(into + place, found, mask=place < _FIGURES)


@triton.jit
def _add(figures, number: tl.constexpr, value):
    return figures + tl.where(tl.arange(0, _PADDED) == number, value, 0.0)


@triton.jit
def _without_exposure(weight, colour, error, gu, gv, scale):
    """Return what gain and offset of the block leave of errors and gradients of a channel.

    Also the gradient of the loss with respect to gain and offset of the image.
    """
    gain_prior = (scale / _GAIN_SIGMA) * (scale / _GAIN_SIGMA)
    offset_prior = (scale / _OFFSET_SIGMA) * (scale / _OFFSET_SIGMA)
    weighted = weight * colour
    gg, oo = tl.sum(weighted * colour) + gain_prior, tl.sum(weight) + offset_prior
    go = tl.sum(weighted)
    determinant = gg * oo - go * go
    e_gain, e_offset = _solved(gg, go, oo, determinant, weighted, weight, error)
    u_gain, u_offset = _solved(gg, go, oo, determinant, weighted, weight, gu)
    v_gain, v_offset = _solved(gg, go, oo, determinant, weighted, weight, gv)
    left = error - e_gain * colour - e_offset
    left_u, left_v = gu - u_gain * colour - u_offset, gv - v_gain * colour - v_offset
    return left, left_u, left_v, gain_prior * e_gain, offset_prior * e_offset


@triton.jit
def _solved(gg, go, oo, determinant, weighted, weight, values):
    """Return gain and offset that explain values best."""
    by_gain, by_offset = tl.sum(weighted * values), tl.sum(weight * values)
    gain = (oo * by_gain - go * by_offset) / determinant
    return gain, (gg * by_offset - go * by_gain) / determinant
