"""Coarse-to-fine alignment by Levenberg-Marquardt on keyframes rendered from the scene."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mesh_reloc_ros.align._assessment import assess
from mesh_reloc_ros.align._levels import (
    STEPS_ABOVE,
    Problem,
    converged,
    not_astray,
    solve_levels,
)
from mesh_reloc_ros.align._solver_options import LARGEST_GAIN, NOISE_SIGMAS, options_of
from mesh_reloc_ros.align.alignment import Alignment, AlignMode, neutral_exposure
from mesh_reloc_ros.align.keyframe import MIN_SIDE_PX, Keyframe, make_keyframe
from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.motions import between, moved_back
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.types.camera import Camera

# Mode COARSE: a pose has settled on a level if the last render moved the image by less than this,
# in pixels of the level; or if it is near, and moves to and fro instead of converging.
_SETTLED_PX, _NEAR_PX, _CONVERGING = 0.5, 2.0, 0.5
_MAX_FINEST_RENDERS = 4
# Mode COARSE: factors on the number of points and of steps.
_COARSE_POINTS, _COARSE_ITERATIONS = 2, 3


def align_lm(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    mode: AlignMode = AlignMode.TRACK,
    *,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment:
    """Move start poses to where the render agrees with the image.

    :param pyramid: all levels of the image; see `image_pyramid`.
    :param map_T_camera: [B, 4, 4], metres, where to start.
    :param exposure: [B, 6] of an image shortly before; None: as the mesh's texture.
    :param grey: the image is grey, and compared with grey renders.
    :param keyframe: mode TRACK: align with this keyframe, rendered near the start poses with the
        same camera, settings and `grey`; None: render one.
    """
    poses = map_T_camera.double()
    exposure = neutral_exposure(len(poses)) if exposure is None else exposure
    if mode is AlignMode.COARSE:
        problem, solution = _solve_from_afar(scene, pyramid, poses, exposure, settings, grey)
    else:
        camera = pyramid[0].camera
        if keyframe is None:
            keyframe = tracking_keyframe(scene, poses, camera, settings, grey=grey)
        coarsest = _coarsest_level(camera, settings.finest_level, settings.levels)
        problem = Problem(keyframe, pyramid, poses, exposure, coarsest, settings)
        solved = None
        if solves_on_device(scene, settings) and len(poses) == 1:
            solved = _solve_on_device(scene, problem)
        solution = not_astray(problem, solved or solve_levels(problem, STEPS_ABOVE))
    keyframe, solution = problem.keyframe, converged(problem, solution)
    with stage('assess'):
        alignment = assess(keyframe, pyramid, solution, settings.map_error_scale)
        return dataclasses.replace(alignment, keyframe=keyframe)


def tracking_keyframe(
    scene: Scene,
    map_T_camera: Tensor,
    camera: Camera,
    settings: AlignmentSettings,
    *,
    grey: bool = False,
    ceiling: Tensor | None = None,
) -> Keyframe:
    """Render the keyframe at poses [B, 4, 4] that mode TRACK aligns images with.

    :param ceiling: see `make_keyframe`. The solver then runs on the CPU.
    """
    finest = settings.finest_level
    coarsest = _coarsest_level(camera, finest, settings.levels)
    with stage('render'):
        return make_keyframe(
            scene,
            map_T_camera.double(),
            camera,
            finest,
            coarsest,
            settings.max_points,
            grey=grey,
            keep=ceiling is None and solves_on_device(scene, settings),
            ceiling=ceiling,
        )


def _solve_from_afar(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    poses: Tensor,
    exposure: Tensor,
    settings: AlignmentSettings,
    grey: bool,
) -> tuple[Problem, Solution]:
    """Align in mode COARSE, with small renders first, and return the last problem and its solution.

    Each level is rendered until the pose settles: a render from a wrong pose shows parts of the
    mesh that the image does not, and hides others.
    """
    camera, finest = pyramid[0].camera, settings.finest_level
    coarsest = _coarsest_level(camera, finest, settings.start_levels)
    thorough = dataclasses.replace(
        settings,
        max_points=_COARSE_POINTS * settings.max_points,
        max_iterations=_COARSE_ITERATIONS * settings.max_iterations,
    )
    iterations = 0
    # The coarsest level gets no render, unless there is only one coarse level.
    coarse = range(finest + 1, coarsest) or range(coarsest, finest, -1)
    for level in (*reversed(coarse), finest):
        begin = finest if level == finest else coarsest
        moved_px = torch.full((len(poses),), math.inf)
        for _ in range(_MAX_FINEST_RENDERS if level == finest else settings.start_renders):
            with stage('render'):
                last, points = max(level, coarsest), thorough.max_points
                keyframe = make_keyframe(scene, poses, camera, level, last, points, grey=grey)
            problem = Problem(keyframe, pyramid, poses, exposure, begin, settings)
            solution = solve_levels(problem._replace(settings=thorough))
            before, poses, exposure = poses, _poses(keyframe, solution), solution.exposure
            iterations += solution.iterations
            last_px, moved_px = moved_px, keyframe.motion_px(before, poses)
            if _settled(moved_px, last_px):
                break
    return problem, dataclasses.replace(solution, iterations=iterations)


def solves_on_device(scene: Scene, settings: AlignmentSettings) -> bool:
    """Whether mode TRACK solves on the GPU."""
    if not can_solve_on_device(scene, settings):
        return False
    return settings.solver_device == 'cuda' or (
        scene.solving is not None and scene.solving.is_faster
    )


def can_solve_on_device(scene: Scene, settings: AlignmentSettings) -> bool:
    """Whether the solver runs on the GPU, and may."""
    solving = scene.solving
    return solving is not None and not solving.has_failed and settings.solver_device != 'cpu'


def _solve_on_device(scene: Scene, problem: Problem) -> Solution | None:
    """Do what `solve_levels` does for a single pose; None if the GPU cannot."""
    keyframe, pyramid, poses, exposure, coarsest, settings = problem
    solving = scene.solving
    if solving is None or keyframe.on_device is None:
        return None

    def solve_there() -> Solution:
        # Triton takes a second to import.
        from mesh_reloc_ros.align._device_image import LevelPlan, solve_on_device

        plans, noise = [], NOISE_SIGMAS * pyramid[0].noise
        for place, level in reversed(list(enumerate(keyframe.levels))):
            if level.number <= coarsest:
                options = options_of(level.number, level.camera, settings, STEPS_ABOVE)
                plans.append(LevelPlan(place, options, noise / 2**level.number))
        start = between(poses, keyframe.map_T_camera)
        live = pyramid[keyframe.levels[0].number]
        return solve_on_device(
            solving.repeater, keyframe, live, plans, start, exposure, LARGEST_GAIN
        )

    with stage('solve'):
        return solving.attempt(solve_there)


def _settled(moved_px: Tensor, last_px: Tensor) -> bool:
    """Whether poses need no new render after this motion of the image, and the one before, [B]."""
    oscillates = (moved_px < _NEAR_PX) & (moved_px > _CONVERGING * last_px)
    return bool(((moved_px < _SETTLED_PX) | oscillates).all())


def _poses(keyframe: Keyframe, solution: Solution) -> Tensor:
    return moved_back(keyframe.map_T_camera, solution.live_T_keyframe)


def _coarsest_level(camera: Camera, finest: int, levels: int) -> int:
    """Return the coarsest of at most `levels` levels whose image is not too small."""
    coarsest, shorter = finest, min(camera.width, camera.height)
    while coarsest < finest + levels - 1 and shorter >> (coarsest + 1) >= MIN_SIDE_PX:
        coarsest += 1
    return coarsest
