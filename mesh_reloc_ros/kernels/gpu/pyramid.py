"""Levels of an image, each half as large as the one before."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import layout

_CHANNELS = tl.constexpr(layout.CHANNELS)


@triton.jit(
    do_not_specialize=['width', 'smaller_width', 'count'],
    do_not_specialize_on_alignment=['image', 'smaller'],
)
def halve(image, smaller, width, smaller_width, count, IS_MASK: tl.constexpr, BLOCK: tl.constexpr):
    """Write the means of 2x2 pixels, rounded; of a mask, whether all four are set.

    :param image: [H, W, 3] uint8, or a mask [H, W]. :param smaller: [H / 2, W / 2, ...].
    :param count: of values of `smaller`.
    """
    channels: tl.constexpr = 1 if IS_MASK else _CHANNELS
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    exists = n < count
    pixel, channel = n // channels, n % channels
    row, column = pixel // smaller_width, pixel % smaller_width
    at = image + (2 * row * width + 2 * column) * channels + channel
    c00 = tl.load(at, mask=exists, other=0).to(tl.int32)
    c10 = tl.load(at + channels, mask=exists, other=0).to(tl.int32)
    c01 = tl.load(at + width * channels, mask=exists, other=0).to(tl.int32)
    c11 = tl.load(at + width * channels + channels, mask=exists, other=0).to(tl.int32)
    mean = c00 & c10 & c01 & c11 if IS_MASK else (c00 + c10 + c01 + c11 + 2) // 4
    tl.store(smaller + n, mean.to(tl.uint8), mask=exists)
