"""How far surfaces are from where the mesh has them, cell by cell of the image."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.layout import CURVATURE, PLACE, POSE_SIZE, RENDER
from mesh_reloc_ros.kernels.photometric import LiveImage, pixel_jacobian

# Between pixels the image is taken as linear, which displaces a cell by this, 1 sigma.
_RESAMPLED_PX = 0.014
# What is known of the mesh before an image is seen counts as much as so many numbers from it.
_PRIOR_NUMBERS = 12.0
# Less than this, radians, is not seen.
_LEAST_SEEN = 1e-9
# A cell tells nothing if its gradients are all across one edge: determinant of their products,
# relative to the square of the trace.
_EDGE = 1e-10


class MapError(NamedTuple):
    """Position error of cells of the mesh, 1 sigma: the smallest of the three."""

    share: float
    """Relative to their distance."""
    metres: float = math.inf
    hidden: float = math.inf
    """Relative to the displacement of cells that the image shows once it is aligned."""


@kernel()
def surface_displacements(
    blocks: Any, live: LiveImage, map_error: MapError, variance: float, cells: Any, count: int
) -> Any:
    """Return by how much the surface in each block seems displaced [blocks], radians, 1 sigma.

    :param blocks: [blocks, FIGURES]. :param variance: of a residual.
    :param cells: the cell that each block lies in, one of `count`.
    """
    seen, degrees = seen_displacement(blocks, live, variance, cells, count)
    displaced = np.zeros(len(blocks))
    for n in range(len(blocks)):
        weight = blocks[n, PLACE]
        if weight > 0:
            most = min(map_error.share, map_error.metres * blocks[n, PLACE + 3] / weight)
            told = min(map_error.hidden * seen, most)
            square = (degrees * told**2 + _PRIOR_NUMBERS * most**2) / (degrees + _PRIOR_NUMBERS)
            displaced[n] = math.sqrt(square + (_RESAMPLED_PX / live.fx) ** 2)
    return displaced


@kernel()
def seen_displacement(blocks: Any, live: LiveImage, variance: float, cells: Any, count: int) -> Any:
    """Return how far cells are displaced in the image, radians, 1 sigma, and degrees of freedom.

    What noise of the image explains is subtracted, and what the pose has taken up made up for.
    """
    pulls, products = np.zeros((count, 2)), np.zeros((count, 3))
    for n in range(len(blocks)):
        if blocks[n, PLACE] > 0:
            pulls[cells[n]] += _pull(blocks[n], live)
            products[cells[n]] += blocks[n, RENDER:CURVATURE]
    loss, stiffness, numbers = 0.0, 0.0, 0
    for c in range(count):
        uu, uv, vv = products[c]
        if uu * vv - uv * uv > _EDGE * (uu + vv) ** 2:
            u, v = _solved(uu, uv, vv, pulls[c, 0], pulls[c, 1])
            loss += u * pulls[c, 0] + v * pulls[c, 1]
            stiffness += uu + vv
            numbers += 2
    degrees = float(numbers - POSE_SIZE)
    if degrees <= 0:
        return _LEAST_SEEN, 0.0
    by_surface = max(loss / degrees - variance, 0.0)
    return max(math.sqrt(by_surface * numbers / stiffness) / live.fx, _LEAST_SEEN), degrees


@kernel()
def _pull(block: Any, live: LiveImage) -> Any:
    """Return the gradient [2] of the loss of a block as its image moves, from that of the pose."""
    weight = block[PLACE]
    x, y, inverse_z = (
        block[PLACE + 1] / weight,
        block[PLACE + 2] / weight,
        block[PLACE + 3] / weight,
    )
    along_u, along_v = pixel_jacobian(x, y, inverse_z, live.fx, live.fy)
    uu = uv = vv = by_u = by_v = 0.0
    for i in range(POSE_SIZE):
        uu += along_u[i] * along_u[i]
        uv += along_u[i] * along_v[i]
        vv += along_v[i] * along_v[i]
        by_u += along_u[i] * block[i]
        by_v += along_v[i] * block[i]
    return np.array(_solved(uu, uv, vv, by_u, by_v))


@kernel()
def _solved(uu: float, uv: float, vv: float, u: float, v: float) -> Any:
    """Return the solution of a symmetric system [[uu, uv], [uv, vv]] for [u, v]."""
    determinant = uu * vv - uv * uv
    return (vv * u - uv * v) / determinant, (uu * v - uv * u) / determinant


@kernel()
def squares(blocks: Any, live: LiveImage, side_px: float) -> Any:
    """Return the square of the image that each block lies in [blocks], and the number of squares.

    :param side_px: side of a square.
    """
    squares = np.zeros(len(blocks), np.int64)
    height, width = live.pixels.shape[0], live.pixels.shape[1]
    rows, columns = int(height / side_px) + 1, int(width / side_px) + 1
    for n in range(len(blocks)):
        weight = blocks[n, PLACE]
        if weight > 0:
            u = live.fx * blocks[n, PLACE + 1] / weight + live.cx
            v = live.fy * blocks[n, PLACE + 2] / weight + live.cy
            column = min(max(int(u / side_px), 0), columns - 1)
            row = min(max(int(v / side_px), 0), rows - 1)
            squares[n] = row * columns + column
    return squares, rows * columns
