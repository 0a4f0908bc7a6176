"""Levenberg-Marquardt level by level, and what is done where that may end beside the pose."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from mesh_reloc_ros.align._solver_options import solver_options
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.lm import Solution, solve
from mesh_reloc_ros.align.motions import between, moved_back
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.stopwatch import stage

STEPS_ABOVE = 4
"""Factor on the number of steps above the finest level. They cost little there, and a pose that has
not converged there does not converge below."""
# What covers the view, or is not where the mesh has it, may pull coarse levels away from the pose.
# If so, the finest level moves the image by more than the first share of its span: behind a
# passer-by for each of 6 poses that were 4 to 17 cm off, of 8,300, and for 1.4 % of the right ones.
# Or all levels move it by more than the second: before a background that is not there by 0.13 to
# 0.19 for poses 40 to 60 cm off, else up to 0.03. From the start, one or two fine levels lead to
# the pose.
_ASTRAY_SHARE, _FAR_SHARE, _FINE_LEVELS = 0.02, 0.06, 2
# So often the finest level goes on after its limit of steps. Of usual images 95 % take fewer steps,
# and of those that take more, most converge within the double.
_MORE_ROUNDS = 3
# Only views wider than this, relative to the focal length, go on, or are repeated because all
# levels moved the image far: of a kitchen cut to 7 % of the image, aligned in parts of 0.55 to
# 0.85, 93 % of the poses are published, and 89 % if all go on; 94 %, and 91 % if all are repeated.
_WIDE = 0.9


class Problem(NamedTuple):
    """An image, the keyframe that it is aligned with, and from where."""

    keyframe: Keyframe
    pyramid: Sequence[ImageLevel]
    poses: Tensor
    """[B, 4, 4] float64, metres, where the alignment starts."""
    exposure: Tensor
    """[B, 6]."""
    coarsest: int
    """The level that is aligned first."""
    settings: AlignmentSettings


def solve_levels(problem: Problem, steps_above: int = 1) -> Solution:
    """Align from the coarsest level to the keyframe's finest.

    :param steps_above: factor on the number of steps above the finest level.
    """
    keyframe, pyramid, poses, exposure, coarsest, settings = problem
    live_T_keyframe = between(poses, keyframe.map_T_camera)
    iterations = 0
    with stage('solve'):
        for level in reversed(keyframe.levels):
            if level.number > coarsest:
                continue
            live = pyramid[level.number]
            options = solver_options(
                live, exposure, settings, steps_above, is_clipped=keyframe.is_clipped
            )
            solution = solve(level.surface, live, live_T_keyframe, exposure, options)
            live_T_keyframe, exposure = solution.live_T_keyframe, solution.exposure
            iterations += solution.iterations
    return dataclasses.replace(solution, iterations=iterations)


def not_astray(problem: Problem, solution: Solution) -> Solution:
    """Return the solution, or one without coarse levels if these led a single pose astray."""
    if len(problem.poses) > 1 or not _may_be_astray(problem, solution):
        return solution
    solutions = [solution]
    for level in problem.keyframe.levels[:_FINE_LEVELS]:
        if level.number < problem.coarsest:
            solutions.append(solve_levels(problem._replace(coarsest=level.number), STEPS_ABOVE))
    best = min(solutions, key=lambda each: float(each.system.cost[0]))
    return dataclasses.replace(best, iterations=sum(each.iterations for each in solutions))


def _may_be_astray(problem: Problem, solution: Solution) -> bool:
    """Whether the image moved so far that coarse levels may have led a single pose astray."""
    keyframe = problem.keyframe
    span = keyframe.levels[0].camera.span
    if solution.moved_px > _ASTRAY_SHARE * span:
        return True
    if not _is_wide(keyframe):
        return False
    poses = moved_back(keyframe.map_T_camera, solution.live_T_keyframe)
    return float(keyframe.motion_px(problem.poses, poses)) > _FAR_SHARE * span


def converged(problem: Problem, solution: Solution) -> Solution:
    """Go on with a single pose that reached the limit of steps on the finest level.

    Only in a wide view: others hardly tell turns from shifts, so that poses drift along both.
    """
    keyframe = problem.keyframe
    if len(problem.poses) > 1 or not _is_wide(keyframe):
        return solution
    problem = problem._replace(coarsest=keyframe.levels[0].number)
    for _ in range(_MORE_ROUNDS):
        if not solution.is_at_limit:
            break
        poses = moved_back(keyframe.map_T_camera, solution.live_T_keyframe)
        more = solve_levels(problem._replace(poses=poses, exposure=solution.exposure))
        solution = dataclasses.replace(more, iterations=solution.iterations + more.iterations)
    return solution


def _is_wide(keyframe: Keyframe) -> bool:
    return keyframe.camera.span > _WIDE * keyframe.camera.fx
