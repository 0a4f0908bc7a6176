"""The correlations of `kernels.score`, one program for each block of pixels."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import layout
from mesh_reloc_ros.kernels import score as on_cpu
from mesh_reloc_ros.kernels.gpu.layout import EXPOSURE, POSE, STATE_SIZE
from mesh_reloc_ros.kernels.gpu.photometric import CHANNELS, is_censored, look_up, sample

BLOCK_PX = tl.constexpr(on_cpu.BLOCK_PX)
_BLOCK = tl.constexpr(on_cpu.BLOCK_PX**2)
_MIN_SEEN, _LEAST_CONTRAST = tl.constexpr(on_cpu.MIN_SEEN), tl.constexpr(on_cpu.LEAST_CONTRAST)
_MIN_VARIANCE = tl.constexpr(layout.CHANNELS * on_cpu.MIN_DEVIATION**2)

_NUMBERS = ['count', 'width', 'height', 'has_mask']
_POINTERS = ['points', 'colours', 'weights', 'pixels', 'usable', 'level', 'state']


@triton.jit(do_not_specialize=_NUMBERS, do_not_specialize_on_alignment=[*_POINTERS, 'found'])
def correlate(
    points, colours, weights, pixels, usable, level, state, found, count, width, height, has_mask
):
    """Write the correlation of block `program_id(0)` at the pose of alignment (1), or NaN.

    :param points: [B, N, 3] of every pixel of a render of the image's width, by rows; also
        `colours` and `weights`. :param found: [B, blocks] float64.
    """
    block, alignment = tl.program_id(0), tl.program_id(1)
    own = state + alignment * STATE_SIZE
    across, within = (width + BLOCK_PX - 1) // BLOCK_PX, tl.arange(0, _BLOCK)
    column = block % across * BLOCK_PX + within % BLOCK_PX
    row = block // across * BLOCK_PX + within // BLOCK_PX
    n = row * width + column
    exists = (column < width) & (n < count)
    n = alignment * count + n
    weight = tl.load(weights + n, mask=exists, other=0.0)
    _, _, _, corner, a, b, is_seen, is_usable = look_up(
        points, n, exists & (weight > 0), own + POSE, level, usable, width, height, has_mask
    )
    is_seen &= is_usable
    pixels_of_block, seen = tl.sum(exists.to(tl.int32)), tl.sum(is_seen.to(tl.int32))
    some = tl.maximum(seen, 1).to(tl.float64)
    variance, live_variance, covariance = some * 0, some * 0, some * 0
    for c in tl.static_range(CHANNELS):
        gain = tl.load(own + EXPOSURE + c)
        offset = tl.load(own + EXPOSURE + CHANNELS + c)
        colour = tl.load(colours + n * CHANNELS + c, mask=is_seen, other=0.0).to(tl.float64)
        live, _, _ = sample(pixels, corner, width, a, b, c, is_seen)
        # As the image would show it.
        shown = (live - offset) / tl.maximum(gain, _LEAST_CONTRAST)
        colour = tl.where(is_censored(gain * colour + offset, live), shown, colour)
        colour, live = tl.where(is_seen, colour, 0.0), tl.where(is_seen, live, 0.0)
        mean, live_mean = tl.sum(colour) / some, tl.sum(live) / some
        variance += tl.sum(colour * colour) / some - mean * mean
        live_variance += tl.sum(live * live) / some - live_mean * live_mean
        covariance += tl.sum(colour * live) / some - mean * live_mean
    counts = (seen >= pixels_of_block * _MIN_SEEN) & (variance > _MIN_VARIANCE)
    correlation = covariance / tl.sqrt(tl.maximum(variance * live_variance, 1e-12))
    into = found + alignment * tl.num_programs(0) + block
    tl.store(into, tl.where(counts, correlation, float('nan')))
