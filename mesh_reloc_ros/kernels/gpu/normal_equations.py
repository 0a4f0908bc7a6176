"""The normal equations of `kernels.normal_equations`, one program for each block of points."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import exposure as model
from mesh_reloc_ros.kernels import layout
from mesh_reloc_ros.kernels.gpu.layout import (
    DONE,
    POSE_SIZE,
    ROW_OF_SUMS,
    SCALE,
    STATE_SIZE,
    SYSTEM_SIZE,
    TRIAL,
    TRIAL_EXPOSURE,
    UNKNOWNS,
    WIDTH,
)
from mesh_reloc_ros.kernels.gpu.photometric import (
    CHANNELS,
    is_censored,
    look_up,
    pixel_jacobian,
    sample,
)

_LOSS, _SQUARED = tl.constexpr(layout.LOSS), tl.constexpr(layout.SQUARED)
_WEIGHT, _SEEN = tl.constexpr(layout.WEIGHT), tl.constexpr(layout.SEEN)
_INLIERS, _UNUSABLE = tl.constexpr(layout.INLIERS), tl.constexpr(layout.UNUSABLE)
_GAIN_SIGMA = tl.constexpr(model.BLOCK_GAIN_SIGMA)
_OFFSET_SIGMA = tl.constexpr(model.BLOCK_OFFSET_SIGMA)

# Arguments that differ from image to image must not compile the kernel again.
_NUMBERS = ['count', 'block_size', 'blocks', 'width', 'height', 'has_mask']
_POINTERS = ['points', 'colours', 'gradients', 'weights', 'pixels', 'usable', 'level', 'state']


@triton.jit(do_not_specialize=_NUMBERS, do_not_specialize_on_alignment=[*_POINTERS, 'systems'])
def accumulate(
    points,
    colours,
    gradients,
    weights,
    pixels,
    usable,
    level,
    state,
    systems,
    count,
    block_size,
    blocks,
    width,
    height,
    has_mask,
    BLOCK: tl.constexpr,
):
    """Write the system and the sums of block `program_id(0)` at the trial of alignment (1).

    :param points: [B, N, 3]; colours, gradients and weights as in `SurfacePoints`.
    :param pixels: [H, W, 3] uint8. :param usable: [H, W] uint8, if `has_mask`.
    :param level: [LEVEL_SIZE] float64. :param state: [B, STATE_SIZE] float64.
    :param systems: [B, blocks, SYSTEM_SIZE] float64.
    """
    block, alignment = tl.program_id(0), tl.program_id(1)
    own = state + alignment * STATE_SIZE
    if tl.load(own + DONE) == 0:
        within = tl.arange(0, BLOCK)
        n = block * block_size + within
        exists = (within < block_size) & (n < count)
        n = alignment * count + n
        weight = tl.load(weights + n, mask=exists, other=0.0)
        x, y, inverse_z, corner, a, b, is_seen, is_usable = look_up(
            points, n, exists & (weight > 0), own + TRIAL, level, usable, width, height, has_mask
        )
        a, b = a.to(tl.float32), b.to(tl.float32)
        unusable = tl.sum(tl.where(is_seen & ~is_usable, weight, 0.0))
        is_seen &= is_usable
        weight = tl.where(is_seen, weight, 0.0)
        x, y, inverse_z = x.to(tl.float32), y.to(tl.float32), inverse_z.to(tl.float32)
        fx, fy = tl.load(level).to(tl.float32), tl.load(level + 1).to(tl.float32)
        scale = tl.load(own + SCALE)
        inverse_scale2 = (1 / (scale * scale)).to(tl.float32)
        row, column = tl.arange(0, WIDTH)[:, None], tl.arange(0, WIDTH)[None, :]
        system = tl.zeros((WIDTH, WIDTH), tl.float64)
        losses, squares, weighted = 0.0, 0.0, 0.0
        censored = tl.zeros((BLOCK,), tl.int32)
        largest = tl.zeros((BLOCK,), tl.float32)
        for c in tl.static_range(CHANNELS):
            gain = tl.load(own + TRIAL_EXPOSURE + c).to(tl.float32)
            offset = tl.load(own + TRIAL_EXPOSURE + CHANNELS + c).to(tl.float32)
            colour = tl.load(colours + n * CHANNELS + c, mask=exists, other=0.0)
            gu = gain * tl.load(gradients + (n * CHANNELS + c) * 2, mask=exists, other=0.0)
            gv = gain * tl.load(gradients + (n * CHANNELS + c) * 2 + 1, mask=exists, other=0.0)
            live, _, _ = sample(pixels, corner, width, a, b, c, is_seen)
            predicted = gain * colour + offset
            counts = tl.where(is_censored(predicted, live), 0.0, 1.0)
            error = predicted - live
            squared = counts * error * error * inverse_scale2
            share = 1 / (1 + squared)
            robust = counts * weight * share * share
            losses += tl.sum(weight * squared * share)
            squares += tl.sum(robust * error * error)
            weighted += tl.sum(robust)
            censored += (counts == 0).to(tl.int32)
            largest = tl.maximum(largest, squared)
            # Derivatives of the residual, one column for each unknown, and the residual.
            features = tl.zeros((BLOCK, WIDTH), tl.float32)
            for j in tl.static_range(POSE_SIZE):
                along_u, along_v = pixel_jacobian(x, y, inverse_z, fx, fy, j)
                slope = -(gu * along_u + gv * along_v)
                features = tl.where(column == j, slope[:, None], features)
            features = tl.where(column == POSE_SIZE + c, colour[:, None], features)
            features = tl.where(column == POSE_SIZE + CHANNELS + c, 1.0, features)
            features = tl.where(column == UNKNOWNS, error[:, None], features)
            products = tl.dot(
                tl.trans(features * robust[:, None]), features, input_precision='ieee'
            ).to(tl.float64)
            system += _without_block(products, row, column, c, scale)
        told = tl.where(censored < CHANNELS, weight, 0.0)
        unusable += tl.sum(weight - told)
        inliers = tl.sum(tl.where(largest < 1, told, 0.0))
        system = tl.where((row < UNKNOWNS) & (column <= UNKNOWNS), system, 0.0)
        system = tl.where(_is(row, column, _LOSS), losses, system)
        system = tl.where(_is(row, column, _SQUARED), squares, system)
        system = tl.where(_is(row, column, _WEIGHT), weighted, system)
        system = tl.where(_is(row, column, _SEEN), tl.sum(told), system)
        system = tl.where(_is(row, column, _INLIERS), inliers, system)
        system = tl.where(_is(row, column, _UNUSABLE), unusable, system)
        into = systems + (alignment * blocks + block) * SYSTEM_SIZE
        tl.store(into + row * WIDTH + column, system)


@triton.jit
def _is(row, column, number: tl.constexpr):
    return (row == ROW_OF_SUMS) & (column == number)


@triton.jit
def _without_block(products, row, column, c: tl.constexpr, scale):
    """Return the products of a channel with gain and offset of the block eliminated."""
    gain, offset = POSE_SIZE + c, POSE_SIZE + CHANNELS + c
    by_gain = tl.sum(tl.where(row == gain, products, 0.0), axis=0)
    by_offset = tl.sum(tl.where(row == offset, products, 0.0), axis=0)
    along = tl.arange(0, WIDTH)
    gg = tl.sum(tl.where(along == gain, by_gain, 0.0)) + (scale / _GAIN_SIGMA) * (
        scale / _GAIN_SIGMA
    )
    oo = tl.sum(tl.where(along == offset, by_offset, 0.0)) + (scale / _OFFSET_SIGMA) * (
        scale / _OFFSET_SIGMA
    )
    go = tl.sum(tl.where(along == offset, by_gain, 0.0))
    determinant = gg * oo - go * go
    of_gain = (oo * by_gain - go * by_offset) / determinant
    of_offset = (gg * by_offset - go * by_gain) / determinant
    return products - of_gain[:, None] * by_gain[None, :] - of_offset[:, None] * by_offset[None, :]
