"""A texture in which every face has a place of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array

# Pixels around a face, so that its neighbours in the texture do not show at its edges.
_MARGIN = 2
_SMALLEST, _AT_ONCE = 4, 2000
_STEPS = 40

Pixels = NDArray[np.int64]


@dataclass(frozen=True)
class Atlas:
    """Right triangles in cells of a square texture, half a cell each."""

    side: int
    """Of the texture, pixels."""
    left: Pixels
    """[F], of the cell of each face, pixels."""
    top: Pixels
    """[F]."""
    size: Pixels
    """[F], side of the cell."""

    def uvs(self) -> NDArray[np.float32]:
        """Return the texture coordinates [F, 3, 2] of the corners."""
        reach = self.size - 2 * _MARGIN - 1
        x = (self.left + _MARGIN)[:, None] + reach[:, None] * np.array([0, 1, 0])
        y = (self.top + _MARGIN)[:, None] + reach[:, None] * np.array([0, 0, 1])
        u, v = (x + 0.5) / self.side, 1 - (y + 0.5) / self.side
        return np.stack((u, v), axis=-1).astype(np.float32)

    def texels(self, corners: Array) -> Iterator[tuple[Pixels, Pixels, Array]]:
        """Yield rows [N], columns [N] and points [N, 3] of the pixels that faces may show.

        :param corners: [F, 3, 3], metres.
        """
        for size in np.unique(self.size).tolist():
            faces = np.flatnonzero(self.size == size)
            y, x = (part.ravel() for part in np.mgrid[:size, :size])
            reach = size - 2 * _MARGIN - 1
            s, t = (x - _MARGIN) / reach, (y - _MARGIN) / reach
            # Also what bilinear interpolation at the edges reaches.
            used = s + t <= 1 + 2.9 / reach
            x, y, s, t = x[used], y[used], s[used], t[used]
            weights = np.stack((1 - s - t, s, t), axis=-1)
            step = max(_AT_ONCE * 64 // len(x), 1)
            for first in range(0, len(faces), step):
                some = faces[first : first + step]
                points = np.einsum('nk,fkj->fnj', weights, corners[some]).reshape(-1, 3)
                rows = (self.top[some, None] + y).ravel()
                yield rows, (self.left[some, None] + x).ravel(), points


def atlas_of(corners: Array, side: int) -> Atlas:
    """Return places for faces with corners [F, 3, 3], as large as the texture allows.

    :raises InputError: there are too many faces for it.
    """
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    low, high = 0.0, float(side / max(sides.max(), 1e-12))
    best = None
    for _ in range(_STEPS):
        scale = (low + high) / 2
        found = _packed(sides * scale, side)
        best, low, high = (found, scale, high) if found is not None else (best, low, scale)
    if best is None:
        raise InputError(
            f'{len(corners):,} faces do not fit into a texture of {side} pixels: raise'
            ' --texture-size or lower --faces'
        )
    return best


def _packed(lengths: Array, side: int) -> Atlas | None:
    """Place cells in rows, the largest first; None if they do not fit."""
    size = np.maximum(np.ceil(lengths).astype(np.int64), _SMALLEST) + 2 * _MARGIN + 1
    # Few sizes, so that rows are full.
    size = np.where(size > 24, -(-size // 8) * 8, size)
    if size.max() > side:
        return None
    order = np.argsort(-size, kind='stable')
    left, top = np.zeros_like(size), np.zeros_like(size)
    x = y = height = 0
    for face in order.tolist():
        cell = int(size[face])
        if x + cell > side:
            x, y, height = 0, y + height, 0
        if y + cell > side:
            return None
        left[face], top[face], height = x, y, max(height, cell)
        x += cell
    return Atlas(side, left, top, size)
