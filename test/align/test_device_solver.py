"""Levels solved on a GPU, in Triton's interpreter, against the compiled solver of the CPU."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from mesh_reloc_ros.align._device_image import _solution
from mesh_reloc_ros.align._device_solver import (
    STATE_SIZE,
    DeviceImage,
    DeviceLevel,
    level_numbers,
    run_levels,
    start_state,
)
from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.lm import image_motion_px, pixels_per_step, solve
from mesh_reloc_ros.align.points import PointTensors, SurfacePoints, select_points
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.gpu import layout
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import se3

SCALE = 0.12
EXPOSURE = torch.tensor([1.2, 0.85, 1.0, 0.05, -0.03, 0.08])


class Level(NamedTuple):
    """Points of renders, the image that they are aligned with, and how."""

    surface: SurfacePoints
    live: ImageLevel
    options: SolverOptions

    @property
    def on_device(self):
        surface, camera = self.surface, self.live.camera
        arrays = surface.points, surface.colours, surface.gradients, surface.weights
        points = PointTensors(*map(torch.from_numpy, arrays), surface.block_size)
        per_step = pixels_per_step(surface, camera)
        numbers = level_numbers(camera, self.options.robust_scale, 0.0)
        numbers = np.concatenate((numbers, per_step.reshape(-1)))
        image = DeviceImage(torch.from_numpy(self.live.image), None)
        return DeviceLevel(points, image, torch.from_numpy(numbers), camera, self.options)


@pytest.fixture
def views(room_levels):
    """Return two levels of three views, coarse first.

    The image is the first of them, with another exposure and noise.
    """
    generator = torch.Generator().manual_seed(4)
    levels = []
    for number in (3, 2):
        level = room_levels[number]
        colour = level.colour[0].permute(1, 2, 0)
        noise = 0.01 * torch.randn(colour.shape, generator=generator)
        image = 255 * (EXPOSURE[:3] * colour + EXPOSURE[3:] + noise)
        image = image.round().clamp(0, 255).to(torch.uint8).contiguous().numpy()
        options = SolverOptions(SCALE, max_iterations=3, small_px=0.05)
        surface = select_points(level, 60).on_host()
        levels.append(Level(surface, ImageLevel(number, image, level.camera), options))
    return levels


@pytest.fixture
def problem(views):
    """Return the levels of the first view."""
    return [level._replace(surface=part(level.surface, 0)) for level in views]


def part(surface, number):
    """Return one view of a batch."""
    arrays = surface.points, surface.colours, surface.gradients, surface.weights
    return SurfacePoints(*(values[number : number + 1] for values in arrays), surface.block_size)


def started(px, level):
    """Return a start [1, 4, 4] that is about so many pixels off."""
    twist = torch.tensor([[0.03, -0.02, 0.02, 0.01, 0.015, -0.01]], dtype=torch.float64)
    motion = float(image_motion_px(level.surface, level.live.camera, se3.exp(twist)))
    return se3.exp(px / motion * twist)


def states(levels, start, exposure):
    """Return the states [B, STATE_SIZE] where the kernels end."""
    state = torch.from_numpy(start_state(start, exposure))
    run_levels([level.on_device for level in levels], state, 4.0)
    return state.reshape(-1, STATE_SIZE).numpy()


def on_device(levels, start, exposure):
    (state,) = states(levels, start, exposure)
    return solution(state, levels[-1])


def solution(state, level):
    """Return the solution of a state [STATE_SIZE] on a level."""
    return _solution(state, level.surface, level.live.camera, level.options, None)


def on_cpu(levels, start, exposure):
    pose, iterations = start, 0
    for level in levels:
        gain = float(exposure[:, :3].mean().clamp(1.0, 4.0))
        options = level.options._replace(robust_scale=gain * level.options.robust_scale)
        solution = solve(level.surface, level.live, pose, exposure, options)
        pose, exposure = solution.live_T_keyframe, solution.exposure
        iterations += solution.iterations
    return replace(solution, iterations=iterations)


def assert_same(found, expected):
    assert found.iterations == expected.iterations
    assert found.is_at_limit == expected.is_at_limit
    assert found.moved_px == pytest.approx(expected.moved_px, rel=0.1, abs=0.02)
    assert torch.allclose(found.live_T_keyframe, expected.live_T_keyframe, atol=2e-6)
    assert torch.allclose(found.exposure, expected.exposure, atol=1e-5)
    assert found.robust_scale == pytest.approx(expected.robust_scale, rel=1e-5)
    limit = 1e-4 * expected.system.hessian.max()
    np.testing.assert_allclose(found.system.hessian, expected.system.hessian, atol=limit)
    np.testing.assert_allclose(found.system.cost, expected.system.cost, rtol=1e-4)
    np.testing.assert_allclose(found.system.inliers, expected.system.inliers, rtol=1e-4)
    np.testing.assert_allclose(found.system.usable, expected.system.usable, rtol=1e-4)


def test_one_level_is_solved_step_by_step_as_on_the_cpu(problem):
    """With accelerated steps, one that is undone, and a start that pulls."""
    level, start = problem[1], started(12.0, problem[1])
    options = level.options._replace(max_iterations=6, max_rise=0.9, start_weight=1e-3)
    levels = [level._replace(options=options)]
    expected = on_cpu(levels, start, neutral_exposure(1))
    assert expected.iterations > 4
    assert_same(on_device(levels, start, neutral_exposure(1)), expected)


def test_levels_are_solved_from_coarse_to_fine(problem):
    start = started(6.0, problem[1])
    expected = on_cpu(problem, start, neutral_exposure(1))
    assert_same(on_device(problem, start, neutral_exposure(1)), expected)


def test_nothing_in_view_leaves_the_pose(problem):
    away = se3.exp(torch.tensor([[0, 0, 0, 0, 3.0, 0]], dtype=torch.float64))
    found = on_device(problem[1:], away, neutral_exposure(1))
    assert torch.allclose(found.live_T_keyframe, away, atol=1e-6)
    assert found.system.seen == 0


def test_a_batch_of_views_is_aligned_as_one_by_one(views):
    """Each at its own pace; they share the robust scale."""
    level = views[1]._replace(options=SolverOptions(SCALE, max_iterations=3, small_px=1.5))
    start = torch.cat([started(px, problem_of(level, k)) for k, px in enumerate((1.0, 4.0, 0.1))])
    exposure = EXPOSURE.expand(3, -1)
    found = states([level], start, exposure)
    for k, state in enumerate(found):
        own = problem_of(level, k)
        expected = on_cpu([own], start[k : k + 1], exposure[k : k + 1])
        assert_same(solution(state, own), expected)
    assert len({float(state[layout.ALL_ITERATIONS.value]) for state in found}) > 1


def problem_of(level, number):
    return level._replace(surface=part(level.surface, number))
