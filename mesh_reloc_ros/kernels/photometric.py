"""The photometric residual of surface points against the live image, with its parts.

    residual = exposed(render colour) - live image(projection(live_T_keyframe * point))

per channel. The Jacobian of a channel in the pose is minus its gradient [2] times the Jacobian of
the pixel [2, 6], which the channels share. The gradient is taken from the render: it agrees with
that of the live image where the alignment is right, and is free of the noise in the residual.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel

# Points nearer than this are not seen.
NEAR_M = 1e-2
UNIT = 1 / 255
# Colours above this are at the limit of the image.
LIMIT = np.float32(250 / 255)
# With these, numbers of either precision keep it.
_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)


class Template(NamedTuple):
    """Surface points of renders: a batch [B, N, ...], one render [N, ...] or a block of it."""

    points: NDArray[np.float32]
    """[..., 3], metres, in the frame of the camera that rendered them."""
    colours: NDArray[np.float32]
    """[..., 3], 0 to 1."""
    gradients: NDArray[np.float32]
    """[..., 3, 2], change of each channel per pixel along u and v."""
    weights: NDArray[np.float32]
    """[...], 0 for padding."""
    block_size: int


class LiveImage(NamedTuple):
    """A level of the live image, and the intrinsics of its camera."""

    pixels: NDArray[np.uint8]
    """[H, W, 3]."""
    usable: NDArray[np.uint8]
    """[H, W], 0 where pixels carry no information, as in black borders."""
    fx: float
    fy: float
    cx: float
    cy: float


@kernel()
def render_of(batch: Template, number: int) -> Template:
    """Return one render of a batch."""
    return Template(
        batch.points[number],
        batch.colours[number],
        batch.gradients[number],
        batch.weights[number],
        batch.block_size,
    )


@kernel()
def block_of(render: Template, number: int) -> Template:
    """Return one block of a render."""
    first = number * render.block_size
    last = min(first + render.block_size, len(render.points))
    return Template(
        render.points[first:last],
        render.colours[first:last],
        render.gradients[first:last],
        render.weights[first:last],
        render.block_size,
    )


@kernel()
def block_count(render: Template) -> int:
    """Return the number of blocks of a render; the last may be smaller."""
    return -(-len(render.points) // render.block_size)


@kernel(fastmath=True)
def project(points: Any, n: int, live_T_keyframe: Any, live: LiveImage) -> Any:
    """Return where the live camera sees point n of points [N, 3].

    :returns: whether it does, x / z, y / z, 1 / z, and the pixel u, v.
    """
    T, px, py, pz = live_T_keyframe, points[n, 0], points[n, 1], points[n, 2]
    z = T[2, 0] * px + T[2, 1] * py + T[2, 2] * pz + T[2, 3]
    if not z > NEAR_M:
        return False, 0.0, 0.0, 0.0, 0.0, 0.0
    inverse_z = 1 / z
    x = (T[0, 0] * px + T[0, 1] * py + T[0, 2] * pz + T[0, 3]) * inverse_z
    y = (T[1, 0] * px + T[1, 1] * py + T[1, 2] * pz + T[1, 3]) * inverse_z
    u, v = live.fx * x + live.cx, live.fy * y + live.cy
    height, width = live.pixels.shape[:2]
    inside = u >= 0 and v >= 0 and u < width - 1 and v < height - 1
    return inside, x, y, inverse_z, u, v


@kernel(fastmath=True)
def is_usable(live: LiveImage, u: float, v: float) -> bool:
    """Whether a pixel inside the image, and its neighbours, carry information."""
    usable = live.usable
    if not len(usable):
        return True
    u0, v0 = int(u), int(v)
    return (usable[v0, u0] & usable[v0, u0 + 1] & usable[v0 + 1, u0] & usable[v0 + 1, u0 + 1]) > 0


@kernel(fastmath=True)
def is_censored(predicted: Any, colour: Any) -> Any:
    """Whether a colour is at the limit of the image, and a predicted one beyond: no contradiction.

    How far beyond is not known, so the pixel carries no other information.
    """
    return colour > LIMIT and predicted > colour


@kernel(fastmath=True)
def pixel_jacobian(x: Any, y: Any, inverse_z: Any, fx: Any, fy: Any) -> Any:
    """Return how a twist of the camera moves the pixel of a point: 6 numbers for u, 6 for v."""
    nothing = _ZERO * inverse_z
    along_u = (
        fx * inverse_z,
        nothing,
        -fx * x * inverse_z,
        -fx * x * y,
        fx * (_ONE + x * x),
        -fx * y,
    )
    along_v = (
        nothing,
        fy * inverse_z,
        -fy * y * inverse_z,
        -fy * (_ONE + y * y),
        fy * x * y,
        fy * x,
    )
    return along_u, along_v


@kernel(fastmath=True)
def sample(pixels: Any, u: float, v: float, channel: int) -> Any:
    """Return the colour of the live image, 0 to 1, at a pixel inside it, bilinearly.

    :returns: the colour, and its change per pixel along u and v.
    """
    u0, v0 = int(u), int(v)
    a, b = u - u0, v - v0
    # As floats, because differences of unsigned numbers wrap around.
    c00, c10 = float(pixels[v0, u0, channel]), float(pixels[v0, u0 + 1, channel])
    c01, c11 = float(pixels[v0 + 1, u0, channel]), float(pixels[v0 + 1, u0 + 1, channel])
    top, bottom = c00 + a * (c10 - c00), c01 + a * (c11 - c01)
    along_u = (1 - b) * (c10 - c00) + b * (c11 - c01)
    return (top + b * (bottom - top)) * UNIT, along_u * UNIT, (bottom - top) * UNIT


@kernel(fastmath=True)
def robust_loss(squared: float) -> Any:
    """Return the loss of Geman and McClure, s / (1 + s), of a squared residual s in units of scale.

    :returns: the loss; its derivative, which weights the residual in iteratively reweighted least
        squares; and the derivative of the logarithm of that weight.
    """
    share = _ONE / (_ONE + squared)
    return squared * share, share * share, -_TWO * share
