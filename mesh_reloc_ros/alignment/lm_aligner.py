"""Coarse-to-fine alignment by Levenberg-Marquardt on renders that follow the pose."""

from __future__ import annotations

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
        levels = _usable_levels(camera, settings, wide)
        with stopwatch.stage('pyramid'):
            images = image_pyramid(image, settings.finest_level + levels, device)
            images = images[settings.finest_level :]
        iterations = 0
        for count in range(settings.start_renders if wide else settings.renders):
            # The first render may be far off; the ones after it only refine.
            used = levels if count == 0 or wide else min(levels, settings.refine_levels)
            with stopwatch.stage('render'):
                renders = self._render(poses, camera, levels)
            solution = self._solve(renders[:used], images, exposure, stopwatch)
            rendered_from = poses
            poses = se3.normalized(poses @ se3.inverse(solution.delta))
            exposure = solution.exposure
            iterations += solution.iterations
        with stopwatch.stage('assess'):
            return assess(
                renders,
                images,
                rendered_from,
                solution.delta,
                exposure,
                solution.system,
                iterations,
                settings.covariance_scale,
            )

    def _render(self, poses: Tensor, camera: Camera, levels: int) -> list[RenderLevel]:
        finest = camera.at_level(self._settings.finest_level)
        render = self._scene.render(poses, finest)
        return render_pyramid(render.colour, render.depth, finest, levels)

    def _solve(
        self,
        renders: list[RenderLevel],
        images: list[Tensor],
        exposure: Tensor,
        stopwatch: Stopwatch,
    ) -> Solution:
        """Align with one render, from the coarsest level given to the finest."""
        settings = self._settings
        delta = torch.eye(4, dtype=torch.float64, device=exposure.device)
        delta = delta.repeat(len(exposure), 1, 1)
        iterations = 0
        for level in reversed(range(len(renders))):
            with stopwatch.stage('points'):
                surface = select_points(renders[level], settings.max_points)
            with stopwatch.stage('solve'):
                solution = solve(
                    surface,
                    images[level],
                    renders[level].camera,
                    delta,
                    exposure,
                    robust_scale=settings.robust_scale * (1 + _ROBUST_GROWTH * level),
                    max_iterations=settings.max_iterations,
                )
            delta, exposure = solution.delta, solution.exposure
            iterations += solution.iterations
        return Solution(delta, exposure, solution.system, iterations)


def _usable_levels(camera: Camera, settings: AlignmentSettings, wide: bool) -> int:
    wanted = settings.start_levels if wide else settings.levels
    shorter = min(camera.width, camera.height) >> settings.finest_level
    usable = 1
    while usable < wanted and shorter >> usable >= _MIN_SIDE_PX:
        usable += 1
    return usable
