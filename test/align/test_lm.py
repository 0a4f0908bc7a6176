"""Levenberg-Marquardt on one level: compiled and by tensors, step for step."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mesh_reloc_ros.align import lm
from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.lm import solve, solve_by_tensors
from mesh_reloc_ros.align.normal_equations import build_by_tensors
from mesh_reloc_ros.align.points import SurfacePoints, select_points
from mesh_reloc_ros.kernels.levenberg_marquardt import exp
from mesh_reloc_ros.types import se3

SCALE = 0.12
EXPOSURE = torch.tensor([1.2, 0.85, 1.0, 0.05, -0.03, 0.08])


def picked(surface: SurfacePoints, views: list[int]) -> SurfacePoints:
    tensors = (surface.points, surface.colours, surface.gradients, surface.weights)
    return SurfacePoints(*(values[views] for values in tensors), surface.block_size)


@pytest.fixture
def problem(room_levels):
    """Return points of a render, that render in another exposure and with noise, and its camera.

    The right motion is none; three starts [3, 4, 4] are off by some pixels.
    """
    level = room_levels[2]
    generator = torch.Generator().manual_seed(4)
    colour = level.colour[0].permute(1, 2, 0)
    noise = 0.01 * torch.randn(colour.shape, generator=generator)
    image = 255 * (EXPOSURE[:3] * colour + EXPOSURE[3:] + noise)
    image = image.round().clamp(0, 255).to(torch.uint8).contiguous()
    surface = select_points(level, 1500)
    surface = picked(surface, [0, 0, 0])
    sigma = torch.tensor([0.04] * 3 + [0.02] * 3, dtype=torch.float64)
    starts = se3.exp(sigma * torch.randn(3, 6, generator=generator, dtype=torch.float64))
    return surface, image, level.camera, starts


@pytest.mark.parametrize('steps', [1, 2, 3, 4, 6, 9])
def test_the_compiled_solver_takes_the_steps_of_the_tensor_solver(problem, steps):
    arguments = {'robust_scale': SCALE, 'max_iterations': steps, 'small_px': 1e-3}
    compiled = solve(*problem, neutral_exposure(3), **arguments)
    tensors = solve_by_tensors(*problem, neutral_exposure(3), **arguments)
    assert (compiled.moved_px > 0.5).all()
    assert torch.allclose(compiled.delta, tensors.delta, atol=1e-5)
    assert torch.allclose(compiled.exposure, tensors.exposure, atol=1e-4)
    assert torch.allclose(compiled.moved_px, tensors.moved_px, atol=2e-3)
    limit = 1e-4 * float(tensors.system.hessian.max())
    assert torch.allclose(compiled.system.hessian, tensors.system.hessian, atol=limit)


def test_a_step_that_is_small_enough_is_the_last(problem):
    surface, image, camera, starts = problem
    one = picked(surface, [0])

    def iterations(solver, small_px):
        arguments = {'robust_scale': SCALE, 'max_iterations': 50, 'small_px': small_px}
        return solver(one, image, camera, starts[:1], neutral_exposure(1), **arguments).iterations

    for small_px in (2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02):
        assert iterations(solve, small_px) == iterations(solve_by_tensors, small_px)
    assert iterations(solve, 1e9) == 1
    assert 1 < iterations(solve, 0.5) < iterations(solve, 0.001) < 45


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
def test_pose_and_exposure_are_found(problem, solver):
    solution = solver(
        *problem, neutral_exposure(3), robust_scale=SCALE, max_iterations=40, small_px=1e-3
    )
    off = se3.log(solution.delta)
    assert off[:, :3].abs().max() < 2e-3
    assert off[:, 3:].abs().max() < 1e-3
    assert (solution.exposure - EXPOSURE).abs().max() < 0.01
    assert (solution.system.inliers / solution.system.chosen > 0.9).all()


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
def test_acceleration_takes_fewer_steps_to_the_same_solution(problem, solver, monkeypatch):
    """Where many residuals lie around the robust scale, reweighting converges slowly."""
    surface, image, camera, starts = problem
    generator = torch.Generator().manual_seed(9)
    noise = 40 * torch.randn(image.shape, generator=generator)
    noisy = (image + noise).round().clamp(0, 255).to(torch.uint8)
    one = picked(surface, [0])
    near = se3.exp(0.4 * se3.log(starts))
    arguments = {'robust_scale': SCALE, 'max_iterations': 300, 'small_px': 3e-3}

    def solutions():
        return [
            solver(one, noisy, camera, start[None], neutral_exposure(1), **arguments)
            for start in near
        ]

    accelerated = solutions()
    monkeypatch.setattr(lm, '_MIXING', (0.0, 0.0))
    plain = solutions()
    steps, plain_steps = (sum(s.iterations for s in each) for each in (accelerated, plain))
    assert steps < 0.8 * plain_steps, (steps, plain_steps)
    for fast, slow in zip(accelerated, plain, strict=True):
        assert fast.iterations <= slow.iterations < 300, (fast.iterations, slow.iterations)
        assert lm.image_motion_px(one, camera, se3.inverse(fast.delta) @ slow.delta) < 0.1
        assert fast.system.cost < 1.001 * slow.system.cost


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
def test_the_loss_never_grows_however_bad_the_start(problem, solver):
    surface, image, camera, _ = problem
    generator = torch.Generator().manual_seed(5)
    for scale in (0.05, 0.3, 1.5):
        start = se3.exp(scale * torch.randn(3, 6, generator=generator, dtype=torch.float64))
        before = build_by_tensors(surface, image, camera, start, neutral_exposure(3), SCALE)
        after = solver(
            surface,
            image,
            camera,
            start,
            neutral_exposure(3),
            robust_scale=SCALE,
            max_iterations=15,
            small_px=0.02,
        )
        assert torch.isfinite(after.delta).all()
        assert (after.system.cost <= before.cost + 1e-9).all()
        assert (after.system.seen >= 0.6 * before.seen - 1e-6).all()


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
@pytest.mark.parametrize('case', ['no points', 'uniform image', 'all behind'])
def test_what_cannot_be_aligned_stays_where_it_is(problem, solver, case):
    surface, image, camera, starts = problem
    if case == 'no points':
        surface = replace(surface, weights=torch.zeros_like(surface.weights))
    elif case == 'uniform image':
        image = torch.full_like(image, 128)
    else:
        starts = starts.clone()
        starts[:, 2, 3] = -100
    solution = solver(
        surface,
        image,
        camera,
        starts,
        neutral_exposure(3),
        robust_scale=SCALE,
        max_iterations=10,
        small_px=0.02,
    )
    assert torch.isfinite(solution.delta).all()
    assert torch.isfinite(solution.exposure).all()
    if case != 'uniform image':
        assert torch.equal(solution.delta, starts)


@pytest.mark.parametrize('angle', [0.0, 1e-9, 1e-4, 9.9e-4, 1.1e-3, 0.3, 3.0])
def test_the_compiled_exponential_map_is_that_of_se3(angle):
    rng = np.random.default_rng(6)
    for _ in range(5):
        axis = rng.normal(size=3)
        twist = np.concatenate((rng.normal(size=3), angle * axis / np.linalg.norm(axis)))
        np.testing.assert_allclose(exp(twist), se3.exp(torch.from_numpy(twist)), atol=1e-9)
    assert math.isfinite(exp(np.zeros(6)).sum())
