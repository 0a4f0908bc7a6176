"""The normal equations: the compiled pass equals the reference, and both the loss."""

import numpy as np
import pytest
import torch
from support.oracle import normal_equations as oracle
from support.oracle.residual import jacobian, residuals, sample_live, tensors_of
from support.photometric import CAMERA, random_problem

from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import se3

FIELDS = ('hessian', 'gradient', 'cost', 'variance', 'usable', 'seen', 'inliers')


def build(surface, level, live_T_keyframe, exposure, scale):
    """Return the normal equations of the compiled pass: those of a solver that takes no step."""
    options = SolverOptions(scale, max_iterations=0, small_px=0.0)
    return solve(surface, level, live_T_keyframe, exposure, options).system


def test_the_compiled_pass_equals_the_reference():
    problem = random_problem()
    compiled, reference = build(*problem), oracle.build(*problem)
    surface, level, live_T_keyframe = problem[:3]
    moved = se3.transform(live_T_keyframe, tensors_of(surface).points.double())
    assert (moved[..., 2] < 0).float().mean() > 0.02
    assert (surface.weights == 0).mean() > 0.2
    samples = sample_live(surface, level, live_T_keyframe)
    assert 0.1 < samples.inside.float().mean() < 0.9
    for name in FIELDS:
        mine, expected = getattr(compiled, name), getattr(reference, name)
        assert mine.dtype == expected.dtype == np.float64
        limit = 1e-4 * np.abs(expected).reshape(len(expected), -1).max(1)
        limit = limit.reshape(-1, *[1] * (expected.ndim - 1))
        assert (np.abs(mine - expected) <= limit).all(), name


@pytest.mark.parametrize('pass_over', [build, oracle.build])
def test_a_blocks_gain_and_offset_are_eliminated(pass_over):
    """The system equals that in all unknowns, the blocks' own among them, solved for the latter."""
    surface, level, live_T_keyframe, exposure, scale = random_problem(seed=2)
    samples = sample_live(surface, level, live_T_keyframe)
    error, given = residuals(samples, surface, exposure), tensors_of(surface)
    weight = (1 / (1 + (error / scale).square())).square()
    weight = (weight * (given.weights * samples.inside)[..., None]).double()
    rows = jacobian(samples, surface, level, exposure).double()
    system = pass_over(surface, level, live_T_keyframe, exposure, scale)
    blocks = rows.shape[1] // surface.block_size
    # Unknowns: the image's twelve, then gain and offset by block and channel.
    own = torch.zeros(*rows.shape[:3], blocks, 3, 2, dtype=torch.float64)
    for n in range(rows.shape[1]):
        for c in range(3):
            own[:, n, c, n // surface.block_size, c, 0] = given.colours[:, n, c]
            own[:, n, c, n // surface.block_size, c, 1] = 1
    rows = torch.cat((rows, own.flatten(3)), dim=-1).flatten(1, 2)
    weighted = rows * weight.flatten(1)[..., None]
    hessian = weighted.transpose(1, 2) @ rows
    gradient = (weighted.transpose(1, 2) @ error.double().flatten(1)[..., None])[..., 0]
    prior = torch.tensor([(scale / 0.2) ** 2, (scale / 0.1) ** 2]).repeat(3 * blocks).double()
    left, corner = hessian[:, :12, 12:], hessian[:, 12:, 12:] + torch.diag(prior)
    solved = torch.linalg.solve(corner, left.transpose(1, 2))
    expected = hessian[:, :12, :12] - left @ solved
    np.testing.assert_allclose(system.hessian, expected, 1e-3, 1e-3 * float(expected.max()))
    expected = gradient[:, :12] - (gradient[:, None, 12:] @ solved)[:, 0]
    np.testing.assert_allclose(system.gradient, expected, 1e-3, 1e-4 * float(expected.max()))


@pytest.mark.parametrize('pass_over', [build, oracle.build])
def test_the_cost_is_the_robust_loss(pass_over):
    surface, level, live_T_keyframe, exposure, scale = random_problem(seed=2)
    samples = sample_live(surface, level, live_T_keyframe)
    given = tensors_of(surface)
    squared = (residuals(samples, surface, exposure) / scale).square()
    weights = (given.weights * samples.inside)[..., None]
    rho = (squared / (1 + squared) * weights).sum((1, 2)).double()
    system = pass_over(surface, level, live_T_keyframe, exposure, scale)
    np.testing.assert_allclose(system.cost, rho / (3 * weights.sum((1, 2))), rtol=1e-4)


@pytest.mark.parametrize('pass_over', [build, oracle.build])
def test_figures_of_a_problem_that_can_be_counted(pass_over):
    """Four points at one pixel: right, off by less and by more than the scale, and unseen."""
    points = torch.tensor([[0.0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, -1]])[None]
    colours = torch.tensor([0.4, 0.5, 0.8, 0.4])[None, :, None].expand(1, 4, 3)
    surface = SurfacePoints.from_tensors(
        points,
        colours,
        torch.zeros(1, 4, 3, 2),
        torch.tensor([[1.0, 0.5, 1.0, 1.0]]),
        block_size=4,
    )
    level = ImageLevel(0, np.full((60, 80, 3), 102, dtype=np.uint8), CAMERA)
    still, neutral = torch.eye(4, dtype=torch.float64)[None], torch.tensor([[1.0, 1, 1, 0, 0, 0]])
    system = pass_over(surface, level, still, neutral, 0.2)
    assert system.usable[0] == pytest.approx(3.5)
    assert system.seen[0] == pytest.approx(2.5)
    assert system.inliers[0] == pytest.approx(1.5)
    # rho is 0, 1/4 / (1 + 1/4) = 0.2 and 4 / 5, weighted by 1, 1/2 and 1.
    assert system.cost[0] == pytest.approx((0.5 * 0.2 + 0.8) / 2.5, rel=1e-4)


@pytest.mark.parametrize('pass_over', [build, oracle.build])
def test_nothing_in_view_gives_zeros(pass_over):
    surface, level, live_T_keyframe, exposure, scale = random_problem(seed=3)
    away = se3.exp(torch.tensor([0, 0, -50.0, 0, 0, 0], dtype=torch.float64)) @ live_T_keyframe
    system = pass_over(surface, level, away, exposure, scale)
    for name in set(FIELDS) - {'usable'}:
        assert not getattr(system, name).any(), name
