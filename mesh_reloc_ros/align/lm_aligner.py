"""Coarse-to-fine alignment by Levenberg-Marquardt on keyframes rendered from the scene."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.align.assessment import assess
from mesh_reloc_ros.align.keyframe import MIN_SIDE_PX, Keyframe, last_level, make_keyframe
from mesh_reloc_ros.align.lm import Solution, image_motion_px, solve
from mesh_reloc_ros.align.pyramid import ImageLevel, image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

# Each coarser level tolerates this much more of the residual that it has at the finest.
_ROBUST_GROWTH = 0.5
# From far off: a pose that moved the image by less, at the level rendered, needs no new render; nor
# does one that is near, and moves to and fro rather than nearer.
_SETTLED_PX, _NEAR_PX, _NEARER = 0.5, 2.0, 0.5
_FINEST_RENDERS = 4
# An image waits for a new render only when the view has moved this many times as far as allowed.
_STRETCH = 3
# From far off, and for a pose to start from: so many times the points and steps.
_WIDE_POINTS, _WIDE_ITERATIONS = 2, 3
# Steps that move the image by less end a level; coarse levels need not be exact.
_SMALL_STEP_PX, _SMALL_COARSE_STEP_PX = 0.05, 0.2


class LmAligner:
    """See `Aligner`. While tracking, a keyframe serves until the view has moved on."""

    knows_wide = True

    def __init__(self, scene: Scene, settings: AlignmentSettings) -> None:
        self._scene = scene
        self._settings = settings
        self._wide_settings = dataclasses.replace(
            settings,
            max_points=_WIDE_POINTS * settings.max_points,
            max_iterations=_WIDE_ITERATIONS * settings.max_iterations,
        )
        self._keyframe: Keyframe | None = None

    def align(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        map_T_camera: Tensor,
        exposure: Tensor | None,
        *,
        wide: bool,
        grey: bool = False,
    ) -> Alignment:
        """Align an RGB image [H, W, 3] from start poses [B, 4, 4]; see `Aligner`."""
        settings, poses = self._settings, map_T_camera.double()
        exposure = neutral_exposure(len(poses)) if exposure is None else exposure
        coarsest = _coarsest_level(camera, settings, wide)
        with stage('pyramid'):
            last = last_level(camera, settings.finest_level, coarsest, settings.max_points)
            pyramid = image_pyramid(image, camera, last)
        if wide:
            keyframe, solution = self._approach(pyramid, camera, poses, exposure, coarsest, grey)
            self._keyframe = keyframe
        else:
            keyframe = self._keyframe_near(poses, camera, coarsest, grey)
            solution = self._solve(settings, keyframe, pyramid, poses, exposure, coarsest)
        with stage('assess'):
            return assess(keyframe, pyramid, solution, settings.map_error_scale)

    def _approach(
        self,
        pyramid: list[ImageLevel],
        camera: Camera,
        poses: Tensor,
        exposure: Tensor,
        coarsest: int,
        grey: bool,
    ) -> tuple[Keyframe, Solution]:
        """Align from far off, with small renders first.

        Every level is rendered until the pose settles: a render from the wrong place shows, and
        hides, the wrong things.
        """
        settings, iterations = self._wide_settings, 0
        finest = settings.finest_level
        # The coarsest level is not rendered by itself, unless there is no other.
        coarse = range(finest + 1, coarsest) or range(coarsest, finest, -1)
        for level in (*reversed(coarse), finest):
            begin = finest if level == finest else coarsest
            moved_px = torch.full((len(poses),), math.inf)
            for _ in range(_FINEST_RENDERS if level == finest else settings.start_renders):
                keyframe = self._render(settings, poses, camera, level, coarsest, grey)
                solution = self._solve(settings, keyframe, pyramid, poses, exposure, begin)
                before, poses, exposure = poses, _pose(keyframe, solution), solution.exposure
                iterations += solution.iterations
                last_px, moved_px = moved_px, _motion_px(keyframe, before, poses)
                if _settled(moved_px, last_px):
                    break
        return keyframe, dataclasses.replace(solution, iterations=iterations)

    def look_ahead(self, camera: Camera, map_T_camera: Tensor, grey: bool = False) -> None:
        """Render at the pose if the last render will soon be too far from there."""
        settings = self._settings
        pose = map_T_camera.double()
        if _motion_since_render(self._keyframe, pose, camera, grey) > settings.keyframe_motion:
            coarsest = _coarsest_level(camera, settings, wide=False)
            self._keyframe = self._render(
                settings, pose, camera, settings.finest_level, coarsest, grey
            )

    def _keyframe_near(self, poses: Tensor, camera: Camera, coarsest: int, grey: bool) -> Keyframe:
        """Return the last keyframe if the view from the poses is much the same, or a new one."""
        settings, keyframe = self._settings, self._keyframe
        farthest = _STRETCH * settings.keyframe_motion
        if keyframe is None or _motion_since_render(keyframe, poses, camera, grey) > farthest:
            finest = settings.finest_level
            keyframe = self._render(settings, poses, camera, finest, coarsest, grey)
            self._keyframe = keyframe
        return keyframe

    def _render(
        self,
        settings: AlignmentSettings,
        poses: Tensor,
        camera: Camera,
        level: int,
        coarsest: int,
        grey: bool,
    ) -> Keyframe:
        with stage('render'):
            points = settings.max_points
            return make_keyframe(
                self._scene, poses, camera, level, max(level, coarsest), points, grey=grey
            )

    def _solve(
        self,
        settings: AlignmentSettings,
        keyframe: Keyframe,
        pyramid: list[ImageLevel],
        poses: Tensor,
        exposure: Tensor,
        coarsest: int,
    ) -> Solution:
        """Align from poses [B, 4, 4], from level `coarsest` to the keyframe's finest."""
        live_T_keyframe = se3.inverse(poses) @ keyframe.map_T_camera
        iterations = 0
        with stage('solve'):
            for level in reversed(keyframe.levels):
                if level.number > coarsest:
                    continue
                steps_above = level.number - settings.finest_level
                options = SolverOptions(
                    robust_scale=settings.robust_scale * (1 + _ROBUST_GROWTH * steps_above),
                    max_iterations=settings.max_iterations,
                    small_px=_SMALL_COARSE_STEP_PX if steps_above else _SMALL_STEP_PX,
                )
                solution = solve(
                    level.surface, pyramid[level.number], live_T_keyframe, exposure, options
                )
                live_T_keyframe, exposure = solution.live_T_keyframe, solution.exposure
                iterations += solution.iterations
        return dataclasses.replace(solution, iterations=iterations)


def _motion_since_render(last: Keyframe | None, poses: Tensor, camera: Camera, grey: bool) -> float:
    """Return how far the image has moved since the last keyframe, as a share of its width."""
    if last is None or (last.camera, last.is_grey) != (camera, grey):
        return math.inf
    if len(last.map_T_camera) != len(poses):
        return math.inf
    motion_px = _motion_px(last, last.map_T_camera, poses).max()
    return float(motion_px) / last.levels[0].camera.width


def _motion_px(keyframe: Keyframe, before: Tensor, after: Tensor) -> Tensor:
    """Return how far the image moves from poses to poses [B], roughly, at the keyframe's finest."""
    level = keyframe.levels[0]
    return image_motion_px(level.surface, level.camera, se3.inverse(after) @ before)


def _settled(moved_px: Tensor, last_px: Tensor) -> bool:
    """Whether poses that moved the image by so much, and the time before, need no new render."""
    to_and_fro = (moved_px < _NEAR_PX) & (moved_px > _NEARER * last_px)
    return bool(((moved_px < _SETTLED_PX) | to_and_fro).all())


def _pose(keyframe: Keyframe, solution: Solution) -> Tensor:
    return se3.normalized(keyframe.map_T_camera @ se3.inverse(solution.live_T_keyframe))


def _coarsest_level(camera: Camera, settings: AlignmentSettings, wide: bool) -> int:
    levels = settings.start_levels if wide else settings.levels
    coarsest = settings.finest_level
    shorter = min(camera.width, camera.height)
    while coarsest < settings.finest_level + levels - 1:
        if shorter >> (coarsest + 1) < MIN_SIDE_PX:
            break
        coarsest += 1
    return coarsest
