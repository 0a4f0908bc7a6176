"""Motions as tensors [4, 4]; see `kernels.se3`."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import se3

_SMALL_ANGLE2 = tl.constexpr(se3.SMALL_ANGLE**2)


@triton.jit
def product(a, b):
    """Return the product of matrices [4, 4]."""
    return tl.sum(a[:, :, None] * b[None, :, :], axis=1)


@triton.jit
def component(vector, number: tl.constexpr):
    """Return one number of a vector."""
    return tl.sum(tl.where(tl.arange(0, vector.shape[0]) == number, vector, 0.0))


@triton.jit
def exp(twist):
    """Return the motion [4, 4] of a twist; only the first six numbers count."""
    row, column = tl.arange(0, 4)[:, None], tl.arange(0, 4)[None, :]
    x, y, z = component(twist, 3), component(twist, 4), component(twist, 5)
    t2 = x * x + y * y + z * z
    is_small = t2 < _SMALL_ANGLE2
    safe = tl.where(is_small, 1.0, t2)
    t = tl.sqrt(safe)
    half = tl.sin(t / 2)
    a = tl.where(is_small, 1 - t2 / 6, tl.sin(t) / t)
    b = tl.where(is_small, 0.5 - t2 / 24, 2 * half * half / safe)
    c = tl.where(is_small, 1 / 6 - t2 / 120, (t - tl.sin(t)) / (safe * t))
    k = tl.where((row == 2) & (column == 1), x, 0.0) - tl.where((row == 1) & (column == 2), x, 0.0)
    k += tl.where((row == 0) & (column == 2), y, 0.0) - tl.where((row == 2) & (column == 0), y, 0.0)
    k += tl.where((row == 1) & (column == 0), z, 0.0) - tl.where((row == 0) & (column == 1), z, 0.0)
    k2 = product(k, k)
    identity = tl.where(row == column, 1.0, 0.0)
    along = tl.where(column == 0, component(twist, 0), 0.0)
    along += tl.where(column == 1, component(twist, 1), 0.0)
    along += tl.where(column == 2, component(twist, 2), 0.0)
    translation = tl.sum((identity + b * k + c * k2) * along, axis=1)
    return identity + a * k + b * k2 + tl.where(column == 3, translation[:, None], 0.0)
