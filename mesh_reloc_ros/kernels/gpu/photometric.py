"""Where the live image shows points, and its colours there; see `kernels.photometric`."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import layout, photometric

CHANNELS = tl.constexpr(layout.CHANNELS)
LIMIT = tl.constexpr(float(photometric.LIMIT))
_NEAR_M, _UNIT = tl.constexpr(photometric.NEAR_M), tl.constexpr(photometric.UNIT)


@triton.jit
def look_up(points, n, exists, T, level, usable, width, height, has_mask):
    """Return where the live camera at a pose T [4, 4] sees points n that exist.

    :param level: fx, fy, cx, cy. :param usable: [H, W] uint8, if `has_mask`.
    :returns: x / z, y / z, 1 / z; the index of the pixel above and to the left, and the place
        between it and its neighbours; whether that is inside the image; whether all are usable.
    """
    fx, fy = tl.load(level), tl.load(level + 1)
    cx, cy = tl.load(level + 2), tl.load(level + 3)
    x, y, inverse_z, is_seen = _project(points, n, exists, T)
    u, v = fx * x + cx, fy * y + cy
    is_seen &= exists & (u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)
    u, v = tl.where(is_seen, u, 0.0), tl.where(is_seen, v, 0.0)
    u0, v0 = u.to(tl.int32), v.to(tl.int32)
    corner = v0 * width + u0
    masked = is_seen & (has_mask != 0)
    is_usable = tl.load(usable + corner, mask=masked, other=1)
    is_usable &= tl.load(usable + corner + 1, mask=masked, other=1)
    is_usable &= tl.load(usable + corner + width, mask=masked, other=1)
    is_usable &= tl.load(usable + corner + width + 1, mask=masked, other=1)
    return x, y, inverse_z, corner, u - u0, v - v0, is_seen, is_usable != 0


@triton.jit
def _project(points, n, exists, T):
    """Return x / z, y / z, 1 / z of points n, and which are in front."""
    px = tl.load(points + 3 * n, mask=exists, other=0.0).to(tl.float64)
    py = tl.load(points + 3 * n + 1, mask=exists, other=0.0).to(tl.float64)
    pz = tl.load(points + 3 * n + 2, mask=exists, other=0.0).to(tl.float64)
    x = tl.load(T) * px + tl.load(T + 1) * py + tl.load(T + 2) * pz + tl.load(T + 3)
    y = tl.load(T + 4) * px + tl.load(T + 5) * py + tl.load(T + 6) * pz + tl.load(T + 7)
    z = tl.load(T + 8) * px + tl.load(T + 9) * py + tl.load(T + 10) * pz + tl.load(T + 11)
    in_front = z > _NEAR_M
    inverse_z = 1 / tl.where(in_front, z, 1.0)
    return x * inverse_z, y * inverse_z, inverse_z, in_front


@triton.jit
def sample(pixels, corner, width, a, b, c: tl.constexpr, is_seen):
    """Return the colours of the live image, bilinearly, and their change per pixel along u and v.

    :param corner: with a and b, as `look_up` returns them.
    """
    at = pixels + corner * CHANNELS + c
    c00 = tl.load(at, mask=is_seen, other=0).to(tl.float32)
    c10 = tl.load(at + CHANNELS, mask=is_seen, other=0).to(tl.float32)
    c01 = tl.load(at + width * CHANNELS, mask=is_seen, other=0).to(tl.float32)
    c11 = tl.load(at + width * CHANNELS + CHANNELS, mask=is_seen, other=0).to(tl.float32)
    top, bottom = c00 + a * (c10 - c00), c01 + a * (c11 - c01)
    along_u = (1 - b) * (c10 - c00) + b * (c11 - c01)
    return (top + b * (bottom - top)) * _UNIT, along_u * _UNIT, (bottom - top) * _UNIT


@triton.jit
def is_censored(predicted, colour):
    """Return which colours are at the limit of the image, and the predicted ones beyond."""
    return (colour > LIMIT) & (predicted > colour)


@triton.jit
def pixel_jacobian(x, y, inverse_z, fx, fy, j: tl.constexpr):
    """Return how part j of a twist of the camera moves the pixels of points."""
    along_u, along_v = fx * inverse_z, 0.0 * inverse_z
    if j == 1:
        along_u, along_v = 0.0 * inverse_z, fy * inverse_z
    elif j == 2:
        along_u, along_v = -fx * x * inverse_z, -fy * y * inverse_z
    elif j == 3:
        along_u, along_v = -fx * x * y, -fy * (1 + y * y)
    elif j == 4:
        along_u, along_v = fx * (1 + x * x), fy * x * y
    elif j == 5:
        along_u, along_v = -fx * y, fy * x
    return along_u, along_v
