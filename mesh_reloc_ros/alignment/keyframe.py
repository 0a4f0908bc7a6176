"""A render of the scene and the surface points chosen from it: what images are aligned with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.alignment.points import SurfacePoints, all_points, select_points
from mesh_reloc_ros.alignment.pyramid import render_pyramid
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene

# Levels above the finest at which the score is taken: coarse enough not to mind a pixel.
_SCORE_LEVEL = 2


@dataclass(frozen=True)
class KeyframeLevel:
    """One pyramid level: its camera and its points."""

    camera: Camera
    surface: SurfacePoints


@dataclass(frozen=True)
class Keyframe:
    """Points of B renders; they stay valid while the view changes little."""

    map_T_camera: Tensor
    """[B, 4, 4] float64, where the renders were made from."""
    camera: Camera
    """Of the full image, not of the render."""
    levels: list[KeyframeLevel]
    """Finest first."""
    everything: KeyframeLevel
    """Every pixel of a coarse level, for the score."""
    score_level: int
    """Index of that level among `levels`."""
    coverage: Tensor
    """[B], share of the image that the mesh covers."""


def make_keyframe(
    scene: Scene, map_T_camera: Tensor, camera: Camera, finest: int, coarsest: int, max_points: int
) -> Keyframe:
    """Render from poses [B, 4, 4] at pyramid level `finest` and choose points up to `coarsest`.

    :param max_points: at the finest level; each coarser one has half as many.
    """
    at_finest = camera.at_level(finest)
    render = scene.render(map_T_camera, at_finest)
    pyramid = render_pyramid(render.colour, render.depth, at_finest, coarsest + 1 - finest)
    score_level = min(_SCORE_LEVEL, len(pyramid) - 1)
    return Keyframe(
        map_T_camera=map_T_camera,
        camera=camera,
        levels=[
            KeyframeLevel(level.camera, select_points(level, max_points >> i))
            for i, level in enumerate(pyramid)
        ],
        everything=KeyframeLevel(pyramid[score_level].camera, all_points(pyramid[score_level])),
        score_level=score_level,
        coverage=render.mask.to(torch.float32).mean((1, 2)),
    )
