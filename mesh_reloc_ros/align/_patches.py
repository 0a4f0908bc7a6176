"""Surface points of the finest level, rendered only around where a coarse render has edges."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from mesh_reloc_ros.align.points import (
    BLOCK_SIZE,
    GRADIENT_FLOOR,
    PointTensors,
    strongest_pixels,
)
from mesh_reloc_ros.align.pyramid import DEPTH_JUMP, RenderLevel
from mesh_reloc_ros.device import constant
from mesh_reloc_ros.render.rasterizer import InView
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

# Row and column of a patch's pixels: four by four, without the corners.
_ROW = (0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3)
_COLUMN = (1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 1, 2)
PATCH_PIXELS = len(_ROW)
# Which of them lie inside, with neighbours on all sides, and which those are.
_INSIDE = (3, 4, 7, 8)
_LEFT, _RIGHT, _ABOVE, _BELOW = (2, 3, 6, 7), (4, 5, 8, 9), (0, 1, 3, 4), (7, 8, 10, 11)
# Colour that steps between two pixels, as at a crease, has a curvature of twice its gradient: where
# in the pixel it steps is not known. Points with a larger ratio of curvature to gradient are
# down-weighted.
_SMOOTH = 0.8


def select_patch_points(
    scene: Scene,
    map_T_camera: Tensor,
    camera: Camera,
    coarse: RenderLevel,
    levels_below: int,
    max_points: int,
    *,
    grey: bool = False,
    in_view: InView | None = None,
    ceiling: Tensor | None = None,
) -> PointTensors:
    """Choose pixels of a coarse render, render patches there, and return a point of each.

    :param map_T_camera: [B, 4, 4]. :param camera: of the level of the patches.
    :param levels_below: by how many levels, 1 or 2, that is finer than the coarse render.
    :param in_view: of the coarse render. :param ceiling: see `make_keyframe`.
    """
    strength, index = strongest_pixels(coarse, max_points)
    pixels = _patches(index, coarse.camera.width, camera, levels_below)
    render = scene.render(map_T_camera, camera, pixels.flatten(1), grey=grey, in_view=in_view)
    shown = render.colour if ceiling is None else torch.minimum(render.colour, ceiling)
    colour = shown.unflatten(1, pixels.shape[1:])
    depth = render.depth.unflatten(1, pixels.shape[1:])
    left, right, above, below, inside = (
        _on_device(places, depth.device) for places in (_LEFT, _RIGHT, _ABOVE, _BELOW, _INSIDE)
    )

    def at(places: Tensor) -> Tensor:
        """Return the colours [B, N, places, 3] of pixels of each patch."""
        return colour.index_select(2, places)

    along = torch.stack((at(right), at(below)), dim=-1)
    against = torch.stack((at(left), at(above)), dim=-1)
    middle = at(inside)
    gradients = 0.5 * (along - against)
    strengths = gradients.square().sum((-1, -2)).sqrt()
    curvatures = (along + against - 2 * middle[..., None]).square().sum((-1, -2)).sqrt()
    smoothness = 1 / (1 + (curvatures / (_SMOOTH * strengths).clamp(min=1e-6)) ** 4)
    place = (strengths * smoothness).argmax(dim=-1)

    def pick(values: Tensor) -> Tensor:
        """Return [B, N, ...] of the chosen pixels from values [B, N, inside, ...]."""
        index = place.reshape(*place.shape, *[1] * (values.ndim - 2))
        return values.gather(2, index.expand(-1, -1, -1, *values.shape[3:])).squeeze(2)

    best = pick(strengths)
    one_surface = (depth.amin(-1) > 0) & (depth.amax(-1) < DEPTH_JUMP * depth.amin(-1))
    counts = one_surface & (strength > GRADIENT_FLOOR) & (best > GRADIENT_FLOOR)
    rays = camera.rays(depth.device).reshape(-1, 3)[pick(pixels.index_select(2, inside))]
    return PointTensors(
        points=rays * pick(depth.index_select(2, inside))[..., None],
        colours=pick(middle),
        gradients=pick(gradients),
        weights=counts * pick(smoothness),
        block_size=BLOCK_SIZE,
    )


def _patches(index: Tensor, coarse_width: int, camera: Camera, levels_below: int) -> Tensor:
    """Return the pixels [B, N, 12] around the middles of coarse pixels `index` [B, N]."""
    start = (1 << (levels_below - 1)) - 2
    within_row = _on_device(_ROW, index.device) + start
    within_column = _on_device(_COLUMN, index.device) + start
    row = (index // coarse_width << levels_below)[..., None] + within_row
    column = (index % coarse_width << levels_below)[..., None] + within_column
    # Chosen pixels have neighbours on all sides: only padding can lie outside.
    row, column = row.clamp(0, camera.height - 1), column.clamp(0, camera.width - 1)
    return row * camera.width + column


@functools.cache
def _on_device(values: tuple[int, ...], device: torch.device) -> Tensor:
    return constant(torch.tensor(values), device)
