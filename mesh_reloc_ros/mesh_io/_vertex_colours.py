"""Colours of vertices as a texture: four texels a face, in which they blend linearly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 20


def baked(
    colours: NDArray[np.uint8], corners: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a texture [H, W, 3], and texture coordinates [F, 3, 2].

    Faces that are near to each other are near in the texture, so that coarse mip levels average
    neighbours.

    :param colours: [F, 3, 3], RGB of each corner. :param corners: [F, 3, 3], metres.
    """
    count = len(colours)
    side = 1
    while side * side < count:
        side *= 2
    # Half a square may be enough.
    height = side if side * side // 2 < count else side // 2
    column, row = _places(count)
    order = np.argsort(_along_curve(corners.mean(1, dtype=np.float64)), kind='stable')
    place = np.empty((count, 2), dtype=np.int64)
    place[order] = np.column_stack((column, row))
    mean = colours.mean((0, 1)).astype(np.uint8)
    texture = np.broadcast_to(mean, (2 * height, 2 * side, 3)).copy()
    left, top = 2 * place.T
    a, b, c = colours.astype(np.int16).transpose(1, 0, 2)
    # With this fourth colour, what lies between the corners is interpolated linearly.
    fourth = (b + c - a).clip(0, 255)
    for texels, dx, dy in ((a, 0, 0), (b, 1, 0), (c, 0, 1), (fourth, 1, 1)):
        texture[top + dy, left + dx] = texels
    steps = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    texels = 2 * place[:, None] + steps
    uvs = np.array([0, 1]) + np.array([1, -1]) * texels / (2 * side, 2 * height)
    return texture, uvs.astype(np.float32)


def _places(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return column and row of the first places along a Z-order curve."""
    number = np.arange(count, dtype=np.int64)
    column, row = np.zeros_like(number), np.zeros_like(number)
    for bit in range(_BITS):
        column |= ((number >> (2 * bit)) & 1) << bit
        row |= ((number >> (2 * bit + 1)) & 1) << bit
    return column, row


def _along_curve(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return places [F] of points [F, 3] along a Z-order curve through space."""
    low, size = points.min(0), max(float(np.ptp(points, axis=0).max()), 1e-9)
    cells = ((points - low) / size * ((1 << _BITS) - 1)).astype(np.int64)
    code = np.zeros(len(points), dtype=np.int64)
    for bit in range(_BITS):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code
