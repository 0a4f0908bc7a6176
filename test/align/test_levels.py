"""Alignments that may end beside the pose: at the limit of steps, or astray by coarse levels."""

import dataclasses

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, error, perturbed, pose_at

from mesh_reloc_ros.align._levels import STEPS_ABOVE, Problem, not_astray, solve_levels
from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.motions import moved_back
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings

TRUE = pose_at(0.5)
NEAR, FAR = perturbed(TRUE, 1, 0.02, 0.5), perturbed(TRUE, 1, 0.6, 25.0)
COARSEST = 3


def align(room: SmallRoom, start: np.ndarray, **settings) -> Alignment:
    pyramid = image_pyramid(room.view(TRUE), CAMERA)
    return align_lm(
        room.scene, pyramid, torch.from_numpy(start)[None], None, AlignmentSettings(**settings)
    )


def test_a_pose_that_reaches_the_limit_of_steps_is_gone_on_with(room):
    usual = align(room, NEAR, levels=1)
    few = align(room, NEAR, levels=1, max_iterations=-(-usual.iterations // 3))
    assert few.is_converged
    assert few.iterations > usual.iterations / 3
    assert error(few.pose, usual.pose)[0] < 0.001


def test_what_does_not_converge_even_so_is_told(room):
    assert not align(room, perturbed(TRUE, 1, 0.1, 3.0), levels=1, max_iterations=1).is_converged


class Levels:
    """The room's view aligned from some pose, with a keyframe rendered near it."""

    def __init__(self, room: SmallRoom) -> None:
        self.settings = AlignmentSettings()
        self.pyramid = image_pyramid(room.view(TRUE), CAMERA)
        near = torch.from_numpy(NEAR)[None]
        self.keyframe = tracking_keyframe(room.scene, near, CAMERA, self.settings)

    def problem(self, start: np.ndarray) -> Problem:
        poses = torch.from_numpy(start)[None]
        exposure = neutral_exposure(1)
        return Problem(self.keyframe, self.pyramid, poses, exposure, COARSEST, self.settings)

    def solve(self, start: np.ndarray) -> Solution:
        return solve_levels(self.problem(start), STEPS_ABOVE)

    def checked(self, start: np.ndarray, solution: Solution, moved_share: float) -> Solution:
        """Return what becomes of a solution if the finest level moved the image so far."""
        moved_px = moved_share * self.keyframe.levels[0].camera.span
        solution = dataclasses.replace(solution, moved_px=moved_px)
        return not_astray(self.problem(start), solution)

    def error(self, solution: Solution) -> float:
        pose = moved_back(self.keyframe.map_T_camera, solution.live_T_keyframe)[0].numpy()
        return error(pose, TRUE)[0]


@pytest.fixture(scope='module')
def levels(room: SmallRoom) -> Levels:
    return Levels(room)


def test_the_motion_of_the_finest_level_is_that_of_the_image(levels):
    """Alone it moves all the way, after coarse levels hardly at all."""
    problem, keyframe = levels.problem(NEAR), levels.keyframe
    alone = solve_levels(problem._replace(coarsest=0))
    solved = moved_back(keyframe.map_T_camera, alone.live_T_keyframe)
    moved_px = float(keyframe.motion_px(problem.poses, solved))
    assert alone.moved_px == pytest.approx(moved_px, rel=0.05)
    assert levels.solve(NEAR).moved_px < 0.3 * alone.moved_px


def test_coarse_levels_that_led_astray_are_left_out(levels):
    wrong = levels.solve(FAR)
    assert levels.error(wrong) > 0.1
    assert levels.error(levels.checked(NEAR, wrong, moved_share=0.03)) < 0.002


def test_coarse_levels_that_led_far_away_are_left_out(levels):
    """Even if the finest level hardly moved."""
    wrong = levels.solve(FAR)
    assert levels.error(levels.checked(NEAR, wrong, moved_share=0.01)) < 0.002


def test_nothing_is_solved_again_if_the_image_hardly_moved(levels):
    right = levels.solve(NEAR)
    checked = levels.checked(NEAR, right, moved_share=0.01)
    assert checked.iterations == right.iterations
    assert torch.equal(checked.live_T_keyframe, right.live_T_keyframe)


def test_the_solution_with_the_lower_loss_is_kept(levels):
    right = levels.solve(NEAR)
    checked = levels.checked(FAR, right, moved_share=0.03)
    assert checked.iterations > right.iterations
    assert torch.equal(checked.live_T_keyframe, right.live_T_keyframe)
