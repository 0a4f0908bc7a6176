"""Coarse-to-fine alignment by Levenberg-Marquardt on renders that follow the pose."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.alignment.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.alignment.assessment import assess
from mesh_reloc_ros.alignment.lm import Solution, solve
from mesh_reloc_ros.alignment.points import select_points
from mesh_reloc_ros.alignment.pyramid import RenderLevel, image_pyramid, render_pyramid
from mesh_reloc_ros.alignment.settings import AlignmentSettings
from mesh_reloc_ros.geometry import se3
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch

# Each coarser level tolerates this much more of the residual that it has at the finest.
_ROBUST_GROWTH = 0.5
# Coarser images than this show too little to be aligned.
_MIN_SIDE_PX = 24
# A pose that moved the image by less, at the level rendered, needs no new render.
_SETTLED_PX = 0.5


class LmAligner:
    """See `Aligner`."""

    def __init__(self, scene: Scene, settings: AlignmentSettings) -> None:
        self._scene = scene
        self._settings = settings

    def align(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        map_T_camera: Tensor,
        exposure: Tensor | None,
        *,
        wide: bool,
        stopwatch: Stopwatch,
    ) -> Alignment:
        """Align an RGB image [H, W, 3] from start poses [B, 4, 4]; see `Aligner`."""
        settings, device = self._settings, self._scene.device
        poses = map_T_camera.to(dtype=torch.float64, device=device)
        exposure = neutral_exposure(len(poses)) if exposure is None else exposure
        exposure = exposure.to(device)
        coarsest = _coarsest_level(camera, settings, wide)
        with stopwatch.stage('pyramid'):
            images = image_pyramid(image, coarsest + 1, device)
        iterations = 0
        for level, most_renders in _schedule(settings, coarsest, wide):
            refines = iterations > 0 and level == settings.finest_level
            for _ in range(most_renders):
                with stopwatch.stage('render'):
                    renders = self._render(poses, camera, level, coarsest)
                used = renders[: settings.refine_levels] if refines else renders
                solution = self._solve(used, images[level:], level, exposure, stopwatch)
                rendered_from = poses
                poses = se3.normalized(poses @ se3.inverse(solution.delta))
                exposure = solution.exposure
                iterations += solution.iterations
                if bool((solution.moved_px < _SETTLED_PX).all()):
                    break
        with stopwatch.stage('assess'):
            return assess(
                renders,
                images[settings.finest_level :],
                rendered_from,
                solution.delta,
                exposure,
                solution.system,
                iterations,
                settings.covariance_scale,
            )

    def _render(
        self, poses: Tensor, camera: Camera, level: int, coarsest: int
    ) -> list[RenderLevel]:
        """Render at a pyramid level, and return it with the levels above it."""
        at_level = camera.at_level(level)
        render = self._scene.render(poses, at_level)
        return render_pyramid(render.colour, render.depth, at_level, coarsest + 1 - level)

    def _solve(
        self,
        renders: list[RenderLevel],
        images: list[Tensor],
        level: int,
        exposure: Tensor,
        stopwatch: Stopwatch,
    ) -> Solution:
        """Align with one render, from the coarsest of its levels down to `level`, the first."""
        settings = self._settings
        delta = torch.eye(4, dtype=torch.float64, device=exposure.device)
        delta = delta.repeat(len(exposure), 1, 1)
        iterations = 0
        for i in reversed(range(len(renders))):
            growth = 1 + _ROBUST_GROWTH * (level + i - settings.finest_level)
            with stopwatch.stage('points'):
                surface = select_points(renders[i], settings.max_points)
            with stopwatch.stage('solve'):
                solution = solve(
                    surface,
                    images[i],
                    renders[i].camera,
                    delta,
                    exposure,
                    robust_scale=settings.robust_scale * growth,
                    max_iterations=settings.max_iterations,
                )
            delta, exposure = solution.delta, solution.exposure
            iterations += solution.iterations
        return dataclasses.replace(solution, iterations=iterations)


def _schedule(settings: AlignmentSettings, coarsest: int, wide: bool) -> list[tuple[int, int]]:
    """Return the pyramid levels to render at, and how often at most, from coarse to fine.

    While tracking one small render comes before the finest. From far off every level is rendered
    until the pose settles: a render from the wrong place shows and hides the wrong things.
    """
    finest = settings.finest_level
    coarser = range(finest + 1, max(coarsest, finest + 2))
    if wide:
        on_the_way = [(level, settings.start_renders) for level in reversed(coarser)]
        return [*on_the_way, (finest, settings.renders)]
    return [(finest + 1, 1)] * (settings.renders - 1) + [(finest, 1)]


def _coarsest_level(camera: Camera, settings: AlignmentSettings, wide: bool) -> int:
    levels = settings.start_levels if wide else settings.levels
    coarsest = settings.finest_level
    shorter = min(camera.width, camera.height)
    while coarsest < settings.finest_level + levels - 1:
        if shorter >> (coarsest + 1) < _MIN_SIDE_PX:
            break
        coarsest += 1
    return coarsest
