"""Levels solved on a GPU, in Triton's interpreter, against the compiled solver of the CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mesh_reloc_ros import device
from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.device_solver import DeviceLevel, Restart, solve_levels
from mesh_reloc_ros.align.lm import image_motion_px, solve
from mesh_reloc_ros.align.points import PointTensors, SurfacePoints, select_points
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.graphs import Repeater
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import se3

SCALE = 0.12
EXPOSURE = torch.tensor([1.2, 0.85, 1.0, 0.05, -0.03, 0.08])


class OnCpu(device.Runtime):
    """Memory of the CPU is not pinned."""

    def pinned(self, count, dtype):
        return torch.empty(count, dtype=dtype)


@pytest.fixture
def problem(room_levels, monkeypatch):
    """Return two levels of a render, coarse first, with an image of another exposure and noise."""
    monkeypatch.setattr(device, 'runtime', OnCpu())
    generator = torch.Generator().manual_seed(4)
    levels = []
    for number in (3, 2):
        level = room_levels[number]
        colour = level.colour[0].permute(1, 2, 0)
        noise = 0.01 * torch.randn(colour.shape, generator=generator)
        image = 255 * (EXPOSURE[:3] * colour + EXPOSURE[3:] + noise)
        image = image.round().clamp(0, 255).to(torch.uint8).contiguous().numpy()
        points = select_points(level, 60)
        options = SolverOptions(SCALE, max_iterations=3, small_px=0.05)
        surface, first = points.on_host(), PointTensors(*(t[:1] for t in points.tensors), 64)
        arrays = (surface.points, surface.colours, surface.gradients, surface.weights)
        surface = SurfacePoints(*(values[:1] for values in arrays), 64)
        live = ImageLevel(number, image, level.camera)
        levels.append(DeviceLevel(surface, first, live, options, 0.0))
    return levels


def started(px, level):
    """Return a start [1, 4, 4] that is about so many pixels off."""
    twist = torch.tensor([[0.03, -0.02, 0.02, 0.01, 0.015, -0.01]], dtype=torch.float64)
    motion = float(image_motion_px(level.surface, level.live.camera, se3.exp(twist)))
    return se3.exp(px / motion * twist)


def on_device(levels, start, exposure, restart=None):
    """Return the solution of the kernels; the points are packed as a keyframe packs them."""
    packed = torch.cat([t.reshape(-1) for level in levels for t in level.points.tensors])
    offset, packed_levels = 0, []
    for level in levels:
        tensors = []
        for t in level.points.tensors:
            tensors.append(packed[offset : offset + t.numel()].reshape(t.shape))
            offset += t.numel()
        packed_levels.append(level._replace(points=PointTensors(*tensors, 64)))
    repeater, restart = Repeater(torch.device('cpu')), restart or Restart(0.02, 0.9)
    return solve_levels(repeater, packed_levels, packed, start, exposure, 4.0, restart)


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


def test_a_level_that_leads_astray_is_undone(problem):
    """The coarse level sees another image."""
    coarse, fine = problem
    wrong = np.ascontiguousarray(np.roll(coarse.live.image, 5, axis=1))
    astray = [coarse._replace(live=replace(coarse.live, image=wrong)), fine]
    start = started(0.5, fine)
    misled = on_cpu(astray[:1], start, neutral_exposure(1))
    far_px = image_motion_px(
        fine.surface, fine.live.camera, misled.live_T_keyframe @ se3.inverse(start)
    )
    assert far_px > 0.02 * fine.live.camera.width
    expected = on_cpu([fine], start, misled.exposure)
    found = on_device(astray, start, neutral_exposure(1))
    assert torch.allclose(found.live_T_keyframe, expected.live_T_keyframe, atol=2e-6)
    never = on_device(astray, start, neutral_exposure(1), Restart(0.02, 0.0))
    other = on_cpu(astray, start, neutral_exposure(1))
    assert torch.allclose(never.live_T_keyframe, other.live_T_keyframe, atol=2e-6)
    assert not torch.allclose(never.live_T_keyframe, found.live_T_keyframe, atol=1e-4)


def test_nothing_in_view_leaves_the_pose(problem):
    away = se3.exp(torch.tensor([[0, 0, 0, 0, 3.0, 0]], dtype=torch.float64))
    found = on_device(problem[1:], away, neutral_exposure(1))
    assert torch.allclose(found.live_T_keyframe, away, atol=1e-6)
    assert found.system.seen == 0
