"""Keyframes: a render of the scene and the surface points chosen from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from mesh_reloc_ros.align._patches import PATCH_PIXELS, select_patch_points
from mesh_reloc_ros.align.lm import image_motion_px
from mesh_reloc_ros.align.motions import between
from mesh_reloc_ros.align.overexposure import clipped_colours
from mesh_reloc_ros.align.points import PointTensors, SurfacePoints, all_points, select_points
from mesh_reloc_ros.align.pyramid import RenderLevel, render_pyramid
from mesh_reloc_ros.device import parts
from mesh_reloc_ros.graphs import decide
from mesh_reloc_ros.kernels.score import BLOCK_PX
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

Part = TypeVar('Part')

# Coarser images than this show too little to be aligned.
MIN_SIDE_PX = 24
# If the image is large, the whole view is rendered this many levels coarser than the patches.
_PATCH_LEVELS = 2
# The score is one level coarser than the render, so that an error of a pixel does not matter. With
# fewer blocks of mesh than this, it may be coarser, so that blur matters as little for a mesh that
# is small in view: as long as the image is this wide and has as many blocks of mesh.
_SMALL_BLOCKS, _SCORE_WIDTH_PX, _SCORE_BLOCKS = 150, 64, 10


@dataclass(frozen=True)
class _KeyframeLevel:
    """One pyramid level: its number, its camera and its points."""

    number: int
    """0 is the full image."""
    camera: Camera
    surface: SurfacePoints


class DevicePoints(NamedTuple):
    """The points of a keyframe on the device that rendered it."""

    packed: Tensor
    """[K] float32, all of them."""
    views: list[PointTensors]
    """Parts of `packed`: of each level, finest first, and of the level of the score."""


@dataclass(frozen=True)
class Keyframe:
    """Points of B renders, to align images with as long as the view changes little."""

    map_T_camera: Tensor
    """[B, 4, 4] float64, metres, where the scene was rendered."""
    camera: Camera
    """Of the full image, not of the render."""
    is_grey: bool
    """Whether the renders show brightness instead of colour."""
    is_clipped: bool
    """Whether their colours are clipped, as in one overexposed image."""
    levels: list[_KeyframeLevel]
    """Finest first."""
    score_level: _KeyframeLevel
    """Every pixel of a coarse level, for the score."""
    coverage: Tensor
    """[B], share of the image that the mesh covers."""
    texel_size: float
    """Metres, of the mesh."""
    on_device: DevicePoints | None = None
    """The points of all levels on a GPU, if they are needed there."""

    def motion_px(self, before: Tensor, after: Tensor) -> Tensor:
        """Return how far the image moves between poses [B, 4, 4], roughly, [B] in pixels.

        The pixels are those of the keyframe's finest level.
        """
        level = self.levels[0]
        return image_motion_px(level.surface, level.camera, between(after, before))

    def motion_since(self, map_T_camera: Tensor) -> float:
        """Return how far the image has moved at poses [B, 4, 4], as a share of its span."""
        motion_px = self.motion_px(self.map_T_camera, map_T_camera).max()
        return float(motion_px) / self.levels[0].camera.span


def make_keyframe(
    scene: Scene,
    map_T_camera: Tensor,
    camera: Camera,
    finest: int,
    coarsest: int,
    max_points: int,
    *,
    grey: bool = False,
    keep: bool = False,
    ceiling: Tensor | None = None,
) -> Keyframe:
    """Render from poses [B, 4, 4] and choose points of pyramid level `finest` up to `coarsest`.

    :param max_points: at the finest level; each coarser one has half as many.
    :param keep: keep the points on the GPU, too, if there is one.
    :param ceiling: [3], where the colours are clipped; see `Overexposure`.
    """
    is_clipped = ceiling is not None
    key = 'keyframe', len(map_T_camera), camera, finest, coarsest, max_points, grey, is_clipped
    inputs = [map_T_camera] if ceiling is None else [map_T_camera, ceiling]

    def work(poses: Tensor, ceiling: Tensor | None = None) -> tuple[_Choice, list[Tensor]]:
        return _chosen(scene, poses, camera, finest, coarsest, max_points, grey, ceiling)

    choice, arrays, packed = scene.on_some_device(
        lambda: scene.repeater.run(key, work, inputs, keep=keep)
    )
    *of_levels, coverage = arrays
    levels = [
        _KeyframeLevel(number, of_level, SurfacePoints.from_arrays(arrays, block_size))
        for (number, of_level, block_size), arrays in zip(choice, _fours(of_levels), strict=True)
    ]
    on_device = None
    if packed is not None:
        tensors = _fours(parts(packed, [array.shape for array in of_levels]))
        of_device = [
            PointTensors(points, colours, gradients, weights, block_size)
            for (_, _, block_size), (points, colours, gradients, weights) in zip(
                choice, tensors, strict=True
            )
        ]
        on_device = DevicePoints(packed, of_device)
    return Keyframe(
        map_T_camera=map_T_camera,
        camera=camera,
        is_grey=grey,
        is_clipped=is_clipped,
        levels=levels[:-1],
        score_level=levels[-1],
        coverage=torch.from_numpy(coverage),
        texel_size=scene.texel_size,
        on_device=on_device,
    )


def _fours(values: list[Part]) -> list[list[Part]]:
    return [values[i : i + 4] for i in range(0, len(values), 4)]


_Choice = list[tuple[int, Camera, int]]
"""Number, camera and block size of each level, the finest first; the last is for the score."""


def _chosen(
    scene: Scene,
    poses: Tensor,
    camera: Camera,
    finest: int,
    coarsest: int,
    max_points: int,
    grey: bool,
    ceiling: Tensor | None,
) -> tuple[_Choice, list[Tensor]]:
    """Render, and return the choice of levels, the points of each level and the coverage [B]."""
    rendered = _rendered_level(camera, finest, max_points)
    at_rendered = camera.at_level(rendered)
    in_view = scene.in_view(poses, at_rendered) if rendered > finest else None
    render = scene.render(poses, at_rendered, grey=grey, in_view=in_view)
    colour, at_finest = render.colour, camera.at_level(finest)
    if ceiling is not None:
        ceiling = ceiling.to(colour.device)
        colour = clipped_colours(scene, poses, at_finest, rendered - finest, ceiling, grey=grey)
    count = max(coarsest, _coarsest_score_level(camera, rendered, finest)) + 1 - rendered
    pyramid = render_pyramid(colour, render.depth, at_rendered, count)
    levels = [
        (number, view.camera, select_points(view, max_points >> (number - finest)))
        for number, view in enumerate(pyramid[: max(coarsest + 1 - rendered, 0)], start=rendered)
    ]
    if rendered > finest:
        points = select_patch_points(
            scene,
            poses,
            at_finest,
            pyramid[0],
            rendered - finest,
            max_points,
            grey=grey,
            in_view=in_view,
            ceiling=ceiling,
        )
        levels.insert(0, (finest, at_finest, points))
    chosen = _score_level(pyramid, rendered, finest)
    levels.append((rendered + chosen, pyramid[chosen].camera, all_points(pyramid[chosen])))
    tensors = [tensor for _, _, points in levels for tensor in points.tensors]
    tensors.append(render.mask.to(torch.float32).mean((1, 2)))
    return [(number, view, points.block_size) for number, view, points in levels], tensors


def _score_level(pyramid: list[RenderLevel], rendered: int, finest: int) -> int:
    """Return the level, counted from the rendered one, that is compared with the image.

    :param pyramid: renders from level `rendered` on.
    """
    chosen, coarsest = 1, _coarsest_score_level(pyramid[0].camera, 0, finest - rendered)
    if not _has_blocks(pyramid[chosen], _SMALL_BLOCKS):
        while chosen < coarsest and _has_blocks(pyramid[chosen + 1], _SCORE_BLOCKS):
            chosen += 1
    return chosen


def _has_blocks(level: RenderLevel, least: int) -> bool:
    """Whether the mesh has the size of so many blocks of the score, in each view of a batch."""
    pixels = level.mask.sum((1, 2, 3)).min()
    return bool(decide(pixels, lambda count: int(count / BLOCK_PX**2 >= least)))


def _coarsest_score_level(camera: Camera, rendered: int, finest: int) -> int:
    """Return the coarsest level that may be compared with the image; see `_SCORE_WIDTH_PX`."""
    level, longer = rendered + 1, max(camera.width, camera.height)
    while level <= finest + _PATCH_LEVELS and longer >> (level + 1) >= _SCORE_WIDTH_PX:
        level += 1
    return level


def _rendered_level(camera: Camera, finest: int, max_points: int) -> int:
    """Return the level at which the whole view is rendered: coarser where patches save pixels."""
    width, height = camera.width >> finest, camera.height >> finest
    if PATCH_PIXELS * max_points > width * height:
        return finest
    levels = _PATCH_LEVELS
    while levels and min(width, height) >> levels < 4 * MIN_SIDE_PX:
        levels -= 1
    return finest + levels
