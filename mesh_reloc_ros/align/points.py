"""The surface points that are aligned: chosen for information, spread over the image."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.pyramid import RenderLevel
from mesh_reloc_ros.device import to_host
from mesh_reloc_ros.graphs import decide
from mesh_reloc_ros.kernels.photometric import Template


@dataclass(frozen=True)
class SurfacePoints:
    """N points of each of B renders, in main memory."""

    points: NDArray[np.float32]
    """[B, N, 3], metres, in the frame of the camera that rendered them."""
    colours: NDArray[np.float32]
    """[B, N, 3], RGB of 0 to 1."""
    gradients: NDArray[np.float32]
    """[B, N, 3, 2], change of each channel per pixel along u and v."""
    weights: NDArray[np.float32]
    """[B, N], weight of each point in the loss; 0 for padding."""
    block_size: int
    """Number of consecutive points that lie in one block of the image. A block has its own
    brightness."""

    @classmethod
    def from_tensors(
        cls, points: Tensor, colours: Tensor, gradients: Tensor, weights: Tensor, block_size: int
    ) -> SurfacePoints:
        """Copy float32 tensors of any device to main memory, with one transfer."""
        arrays = to_host((points, colours, gradients, weights))
        return cls.from_arrays(arrays, block_size)

    @classmethod
    def from_arrays(cls, arrays: list[NDArray[np.float32]], block_size: int) -> SurfacePoints:
        """Take over points, colours, gradients and weights."""
        points, colours, gradients, weights = arrays
        return cls(points, colours, gradients, weights, block_size)

    @functools.cached_property
    def template(self) -> Template:
        """What compiled functions take."""
        return Template(self.points, self.colours, self.gradients, self.weights, self.block_size)

    @functools.cached_property
    def total_weight(self) -> NDArray[np.float64]:
        """[B], of all points."""
        return self.weights.sum(1, dtype=np.float64)

    @functools.cached_property
    def median_depth(self) -> NDArray[np.float64]:
        """[B], metres; 1 where there are no points."""
        depth = torch.from_numpy(np.where(self.weights == 0, np.nan, self.points[..., 2]))
        median: NDArray[np.float64] = depth.nanmedian(dim=1).values.nan_to_num(1.0).double().numpy()
        return median


class PointTensors(NamedTuple):
    """The same on the device of the scene; see `SurfacePoints`."""

    points: Tensor
    colours: Tensor
    gradients: Tensor
    weights: Tensor
    block_size: int

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Points, colours, gradients and weights."""
        return self[:4]

    def mapped(self, change: Callable[[Tensor], Tensor]) -> PointTensors:
        """Return the points with each tensor changed."""
        points, colours, gradients, weights = map(change, self.tensors)
        return PointTensors(points, colours, gradients, weights, self.block_size)

    def on_host(self) -> SurfacePoints:
        """Copy to main memory, with one transfer."""
        return SurfacePoints.from_tensors(*self)


# Every cell of the image yields one point; a block has this many cells per side.
_CELLS = 8
BLOCK_SIZE = _CELLS**2
# Cells are smaller where the mesh covers little of the image, but not smaller than this for it.
_SMALLEST_CELL_PX = 2
# Gradients below this, per pixel, are the noise of a camera.
GRADIENT_FLOOR = 0.004


def all_points(level: RenderLevel) -> PointTensors:
    """Return every pixel of a render level as a point; only those that show mesh count."""
    height, width = level.colour.shape[-2:]
    index = torch.arange(height * width, device=level.colour.device).expand(len(level.colour), -1)
    du, dv = _gradients(level)
    return _gathered(level, du, dv, index, level.mask.reshape(index.shape), height * width)


def select_points(level: RenderLevel, max_points: int) -> PointTensors:
    """Return the pixel of strongest gradient of every cell of the image, block by block."""
    du, dv = _gradients(level)
    strength, index = strongest_pixels(level, max_points)
    return _gathered(level, du, dv, index, strength > GRADIENT_FLOOR, BLOCK_SIZE)


def strongest_pixels(level: RenderLevel, max_points: int) -> tuple[Tensor, Tensor]:
    """Return gradient [B, N] and index (row * width + column) of the strongest pixel of each cell.

    About `max_points` cells show mesh, and 64 of them in a row are those of one block. Only pixels
    with mesh all around are chosen; where a cell has none, the gradient is 0.
    """
    du, dv = _gradients(level)
    strength = (du.square() + dv.square()).sum(1).sqrt() * _surrounded(level)
    height, width = strength.shape[1:]
    smallest = min(_cell_px(height * width, max_points), _SMALLEST_CELL_PX)
    cell = decide(
        level.mask.to(torch.float32).mean((1, 2, 3)).max(),
        lambda shown: max(_cell_px(shown * height * width, max_points), smallest),
    )
    side = cell * _CELLS
    padding = (0, -width % side, 0, -height % side)

    def by_cell(image: Tensor) -> Tensor:
        """Return [B, cells, pixels] of images [B, H, W], block by block."""
        rows, columns = image.shape[1] // side, image.shape[2] // side
        cells = image.reshape(-1, rows, _CELLS, cell, columns, _CELLS, cell)
        return cells.permute(0, 1, 4, 2, 5, 3, 6).flatten(5).flatten(1, 4)

    best, place = by_cell(functional.pad(strength, padding)).max(dim=-1)
    pixel = torch.arange(height * width, device=place.device).reshape(1, height, width)
    pixel = by_cell(functional.pad(pixel, padding)).expand(len(place), -1, -1)
    return best, pixel.gather(-1, place[..., None]).squeeze(-1)


def _cell_px(pixels: float, max_points: int) -> int:
    """Return the side of square cells so that about `max_points` cover so many pixels."""
    return max(math.ceil(math.sqrt(pixels / max_points)), 1)


def _gradients(level: RenderLevel) -> tuple[Tensor, Tensor]:
    """Return the change of colour per pixel along u and v, [B, 3, H, W] each; 0 at the border."""
    colour = level.colour
    du = 0.5 * functional.pad(colour[..., :, 2:] - colour[..., :, :-2], (1, 1, 0, 0))
    dv = 0.5 * functional.pad(colour[..., 2:, :] - colour[..., :-2, :], (0, 0, 1, 1))
    return du, dv


def _surrounded(level: RenderLevel) -> Tensor:
    """Return [B, H, W]: True where the pixel and its eight neighbours are mesh in the image."""
    mask = functional.pad(level.mask[:, 0], (1, 1, 1, 1))
    across = mask[..., :-2] & mask[..., 1:-1] & mask[..., 2:]
    return across[:, :-2] & across[:, 1:-1] & across[:, 2:]


def _gathered(
    level: RenderLevel,
    du: Tensor,
    dv: Tensor,
    index: Tensor,
    counts: Tensor,
    block_size: int,
) -> PointTensors:
    """Return the pixels `index` [B, N] as points; `counts` [B, N] says which are not padding."""
    channels = index[:, None].expand(-1, 3, -1)

    def pick(values: Tensor) -> Tensor:
        return values.flatten(2).gather(2, channels).transpose(1, 2)

    rays = level.camera.rays(index.device).reshape(-1, 3)[index]
    inverse_depth = level.inverse_depth.flatten(1).gather(1, index)
    return PointTensors(
        points=rays / inverse_depth.clamp(min=1e-6)[..., None],
        colours=pick(level.colour),
        gradients=torch.stack((pick(du), pick(dv)), dim=-1),
        weights=counts.to(torch.float32),
        block_size=block_size,
    )
