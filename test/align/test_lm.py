"""Levenberg-Marquardt on one level: compiled, and step for step as the reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.oracle import normal_equations
from support.oracle import solver as oracle

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.lm import image_motion_px, solve
from mesh_reloc_ros.align.points import SurfacePoints, select_points
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.kernels.se3 import log
from mesh_reloc_ros.types import se3

SCALE = 0.12
EXPOSURE = torch.tensor([1.2, 0.85, 1.0, 0.05, -0.03, 0.08])


def picked(surface: SurfacePoints, views: list[int]) -> SurfacePoints:
    arrays = (surface.points, surface.colours, surface.gradients, surface.weights)
    return SurfacePoints(*(values[views] for values in arrays), surface.block_size)


@pytest.fixture
def problem(room_levels):
    """Return points of a render, that render in another exposure and with noise, and starts.

    The true pose is the identity; three starts [3, 4, 4] are off by some pixels.
    """
    level = room_levels[2]
    generator = torch.Generator().manual_seed(4)
    colour = level.colour[0].permute(1, 2, 0)
    noise = 0.01 * torch.randn(colour.shape, generator=generator)
    image = 255 * (EXPOSURE[:3] * colour + EXPOSURE[3:] + noise)
    image = image.round().clamp(0, 255).to(torch.uint8).contiguous()
    surface = select_points(level, 1500).on_host()
    surface = picked(surface, [0, 0, 0])
    sigma = torch.tensor([0.04] * 3 + [0.02] * 3, dtype=torch.float64)
    starts = se3.exp(sigma * torch.randn(3, 6, generator=generator, dtype=torch.float64))
    return surface, ImageLevel(2, image.numpy(), level.camera), starts


@pytest.mark.parametrize('steps', [1, 2, 3, 4, 6, 9])
def test_the_compiled_solver_takes_the_steps_of_the_reference(problem, steps):
    surface, level, starts = problem
    options = SolverOptions(SCALE, max_iterations=steps, small_px=1e-3)
    compiled = solve(*problem, neutral_exposure(3), options)
    reference = oracle.solve(*problem, neutral_exposure(3), options)
    motions = compiled.live_T_keyframe @ se3.inverse(starts)
    assert (image_motion_px(surface, level.camera, motions) > 0.5).all()
    assert torch.allclose(compiled.live_T_keyframe, reference.live_T_keyframe, atol=1e-5)
    assert torch.allclose(compiled.exposure, reference.exposure, atol=1e-4)
    limit = 1e-4 * reference.system.hessian.max()
    np.testing.assert_allclose(compiled.system.hessian, reference.system.hessian, atol=limit)


def test_a_step_that_is_small_enough_is_the_last(problem):
    surface, level, starts = problem
    one = picked(surface, [0])

    def iterations(solver, small_px):
        options = SolverOptions(SCALE, max_iterations=50, small_px=small_px)
        return solver(one, level, starts[:1], neutral_exposure(1), options).iterations

    for small_px in (2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02):
        assert iterations(solve, small_px) == iterations(oracle.solve, small_px)
    assert iterations(solve, 1e9) == 1
    assert 1 < iterations(solve, 0.5) < iterations(solve, 0.001) < 45


def logs(motions):
    """Return the twists [B, 6] of motions [B, 4, 4]."""
    return torch.from_numpy(np.array([log(motion) for motion in motions.numpy()]))


@pytest.mark.parametrize('solver', [solve, oracle.solve])
def test_pose_and_exposure_are_found(problem, solver):
    options = SolverOptions(SCALE, max_iterations=40, small_px=1e-3)
    solution = solver(*problem, neutral_exposure(3), options)
    off = logs(solution.live_T_keyframe)
    assert off[:, :3].abs().max() < 2e-3
    assert off[:, 3:].abs().max() < 1e-3
    assert (solution.exposure - EXPOSURE).abs().max() < 0.01
    assert (solution.system.inliers / solution.system.usable > 0.9).all()


@pytest.mark.parametrize('solver', [solve, oracle.solve])
def test_acceleration_takes_fewer_steps_to_the_same_solution(problem, solver):
    """Where many residuals lie around the robust scale, reweighting converges slowly."""
    surface, level, starts = problem
    generator = torch.Generator().manual_seed(9)
    noise = 40 * torch.randn(level.image.shape, generator=generator).numpy()
    # Below the limit of the image, beyond which colours do not count.
    image = (0.7 * level.image + noise).round().clip(0, 245).astype(np.uint8)
    noisy = replace(level, image=image)
    one = picked(surface, [0])
    near = se3.exp(0.4 * logs(starts))
    options = SolverOptions(SCALE, max_iterations=300, small_px=3e-3)

    def solutions(options):
        return [solver(one, noisy, start[None], neutral_exposure(1), options) for start in near]

    accelerated = solutions(options)
    plain = solutions(options._replace(mixing=(0.0, 0.0)))
    steps, plain_steps = (sum(s.iterations for s in each) for each in (accelerated, plain))
    assert steps < 0.8 * plain_steps, (steps, plain_steps)
    for fast, slow in zip(accelerated, plain, strict=True):
        assert fast.iterations <= slow.iterations < 300, (fast.iterations, slow.iterations)
        off = se3.inverse(fast.live_T_keyframe) @ slow.live_T_keyframe
        assert image_motion_px(one, level.camera, off) < 0.1
        assert fast.system.cost < 1.001 * slow.system.cost


@pytest.mark.parametrize('solver', [solve, oracle.solve])
def test_the_loss_never_grows_however_bad_the_start(problem, solver):
    surface, level, _ = problem
    generator = torch.Generator().manual_seed(5)
    options = SolverOptions(SCALE, max_iterations=15, small_px=0.02)
    for scale in (0.05, 0.3, 1.5):
        start = se3.exp(scale * torch.randn(3, 6, generator=generator, dtype=torch.float64))
        before = normal_equations.build(surface, level, start, neutral_exposure(3), SCALE)
        after = solver(surface, level, start, neutral_exposure(3), options)
        assert torch.isfinite(after.live_T_keyframe).all()
        assert (after.system.cost <= before.cost + 1e-9).all()
        assert (after.system.seen >= 0.6 * before.seen - 1e-6).all()


@pytest.mark.parametrize('solver', [solve, oracle.solve])
@pytest.mark.parametrize('case', ['no points', 'uniform image', 'all behind'])
def test_what_cannot_be_aligned_stays_where_it_is(problem, solver, case):
    surface, level, starts = problem
    if case == 'no points':
        surface = replace(surface, weights=np.zeros_like(surface.weights))
    elif case == 'uniform image':
        level = replace(level, image=np.full_like(level.image, 128))
    else:
        starts = starts.clone()
        starts[:, 2, 3] = -100
    options = SolverOptions(SCALE, max_iterations=10, small_px=0.02)
    solution = solver(surface, level, starts, neutral_exposure(3), options)
    assert torch.isfinite(solution.live_T_keyframe).all()
    assert torch.isfinite(solution.exposure).all()
    if case != 'uniform image':
        assert torch.equal(solution.live_T_keyframe, starts)
