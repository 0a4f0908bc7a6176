"""The surface points that are aligned: chosen for information, spread over the image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from mesh_reloc_ros.alignment.pyramid import RenderLevel


@dataclass(frozen=True)
class SurfacePoints:
    """N points of each of B renders."""

    points: Tensor
    """[B, N, 3] float32, metres, in the frame of the camera that rendered them."""
    colours: Tensor
    """[B, N, 3] float32, RGB of 0 to 1."""
    gradients: Tensor
    """[B, N, 3, 2] float32, change of each channel per pixel along u and v."""
    weights: Tensor
    """[B, N] float32, how much each point counts; 0 for padding."""


# Cells of this many pixels a side share the points evenly.
_CELL = 8
# Gradients below this, per pixel, are the noise of a camera.
_GRADIENT_FLOOR = 0.004


def all_points(level: RenderLevel) -> SurfacePoints:
    """Return every pixel of a render level as a point; only those with mesh all around count."""
    batch = len(level.colour)
    rays = level.camera.rays(level.colour.device).reshape(1, -1, 3)
    depth = 1 / level.inverse_depth.reshape(batch, -1, 1).clamp(min=1e-6)
    colour = level.colour
    du = 0.5 * functional.pad(colour[..., :, 2:] - colour[..., :, :-2], (1, 1, 0, 0))
    dv = 0.5 * functional.pad(colour[..., 2:, :] - colour[..., :-2, :], (0, 0, 1, 1))
    gradients = torch.stack((du, dv), dim=-1).reshape(batch, 3, -1, 2).transpose(1, 2)
    # Pixels outside the image count as not on the mesh, so that borders have no gradient.
    on_mesh = functional.pad(level.mask.to(torch.float32), (1, 1, 1, 1))
    surrounded = -functional.max_pool2d(-on_mesh, 3, stride=1) > 0
    return SurfacePoints(
        points=rays * depth,
        colours=colour.reshape(batch, 3, -1).transpose(1, 2),
        gradients=gradients,
        weights=surrounded.reshape(batch, -1).to(torch.float32),
    )


def select_points(level: RenderLevel, max_points: int) -> SurfacePoints:
    """Return the pixels of strongest gradient, an equal number from each cell of the image."""
    everything = all_points(level)
    strength = everything.gradients.square().sum((-1, -2)).sqrt() * everything.weights
    batch, _, height, width = level.colour.shape
    strength = strength.reshape(batch, 1, height, width)
    padded = functional.pad(strength, (0, -width % _CELL, 0, -height % _CELL))
    cells = functional.unfold(padded, _CELL, stride=_CELL)
    per_cell = min(math.ceil(max_points / cells.shape[-1]), _CELL**2)
    best, place = cells.topk(per_cell, dim=1, sorted=False)
    columns = padded.shape[-1] // _CELL
    cell = torch.arange(cells.shape[-1], device=place.device)
    row = (cell // columns) * _CELL + place // _CELL
    column = (cell % columns) * _CELL + place % _CELL
    index = (row.clamp(max=height - 1) * width + column.clamp(max=width - 1)).reshape(batch, -1)

    def gathered(values: Tensor) -> Tensor:
        tail = values.shape[2:]
        return values.gather(1, index.reshape(batch, -1, *[1] * len(tail)).expand(-1, -1, *tail))

    return SurfacePoints(
        points=gathered(everything.points),
        colours=gathered(everything.colours),
        gradients=gathered(everything.gradients),
        weights=(best.reshape(batch, -1) > _GRADIENT_FLOOR).to(torch.float32),
    )
