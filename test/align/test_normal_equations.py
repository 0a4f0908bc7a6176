"""The normal equations: the compiled pass equals the tensor operations, and both the loss."""

import pytest
import torch
from support.photometric import CAMERA, random_problem

from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.normal_equations import build_by_tensors
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import jacobian, residuals, sample_live
from mesh_reloc_ros.types import se3

FIELDS = ('hessian', 'gradient', 'cost', 'variance', 'chosen', 'seen', 'inliers')


def build(surface, image, camera, delta, exposure, scale):
    """Return the normal equations of the compiled pass: those of a solver that takes no step."""
    return solve(
        surface, image, camera, delta, exposure, robust_scale=scale, max_iterations=0, small_px=0.0
    ).system


def test_the_compiled_pass_equals_tensor_operations():
    problem = random_problem()
    compiled, tensors = build(*problem), build_by_tensors(*problem)
    surface, image, camera, delta = problem[:4]
    moved = se3.transform(delta, surface.points.double())
    assert (moved[..., 2] < 0).float().mean() > 0.02
    assert (surface.weights == 0).float().mean() > 0.2
    samples = sample_live(delta, surface.points, image, camera)
    assert 0.1 < samples.inside.float().mean() < 0.9
    for name in FIELDS:
        mine, oracle = getattr(compiled, name), getattr(tensors, name)
        assert mine.dtype == oracle.dtype == torch.float64
        scale = oracle.abs().flatten(1).max(1).values if oracle.ndim > 1 else oracle.abs()
        limit = 1e-4 * scale.reshape(-1, *[1] * (oracle.ndim - 1))
        assert ((mine - oracle).abs() <= limit).all(), name


@pytest.mark.parametrize('pass_over', [build, build_by_tensors])
def test_a_blocks_gain_and_offset_are_eliminated(pass_over):
    """The system equals that in all unknowns, the blocks' own among them, solved for the latter."""
    surface, image, camera, delta, exposure, scale = random_problem(seed=2)
    samples = sample_live(delta, surface.points, image, camera)
    error = residuals(samples, surface, exposure)
    weight = (1 / (1 + (error / scale).square())).square()
    weight = (weight * (surface.weights * samples.inside)[..., None]).double()
    rows = jacobian(samples, surface, exposure, camera).double()
    system = pass_over(surface, image, camera, delta, exposure, scale)
    blocks = rows.shape[1] // surface.block_size
    # Unknowns: the image's twelve, then gain and offset by block and channel.
    own = torch.zeros(*rows.shape[:3], blocks, 3, 2, dtype=torch.float64)
    for n in range(rows.shape[1]):
        for c in range(3):
            own[:, n, c, n // surface.block_size, c, 0] = surface.colours[:, n, c]
            own[:, n, c, n // surface.block_size, c, 1] = 1
    rows = torch.cat((rows, own.flatten(3)), dim=-1).flatten(1, 2)
    weighted = rows * weight.flatten(1)[..., None]
    hessian = weighted.transpose(1, 2) @ rows
    gradient = (weighted.transpose(1, 2) @ error.double().flatten(1)[..., None])[..., 0]
    prior = torch.tensor([(scale / 0.2) ** 2, (scale / 0.1) ** 2]).repeat(3 * blocks).double()
    left, corner = hessian[:, :12, 12:], hessian[:, 12:, 12:] + torch.diag(prior)
    solved = torch.linalg.solve(corner, left.transpose(1, 2))
    expected = hessian[:, :12, :12] - left @ solved
    assert torch.allclose(system.hessian, expected, rtol=1e-3, atol=1e-3 * float(expected.max()))
    expected = gradient[:, :12] - (gradient[:, None, 12:] @ solved)[:, 0]
    assert torch.allclose(system.gradient, expected, rtol=1e-3, atol=1e-4 * float(expected.max()))


@pytest.mark.parametrize('pass_over', [build, build_by_tensors])
def test_the_cost_is_the_robust_loss(pass_over):
    surface, image, camera, delta, exposure, scale = random_problem(seed=2)
    samples = sample_live(delta, surface.points, image, camera)
    squared = (residuals(samples, surface, exposure) / scale).square()
    weights = (surface.weights * samples.inside)[..., None]
    rho = (squared / (1 + squared) * weights).sum((1, 2)).double()
    system = pass_over(surface, image, camera, delta, exposure, scale)
    assert torch.allclose(system.cost, rho / (3 * weights.sum((1, 2))), rtol=1e-4)


@pytest.mark.parametrize('pass_over', [build, build_by_tensors])
def test_figures_of_a_problem_that_can_be_counted(pass_over):
    """Four points at one pixel: right, off by less and by more than the scale, and unseen."""
    points = torch.tensor([[0.0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, -1]])[None]
    colours = torch.tensor([0.5, 0.6, 0.9, 0.5])[None, :, None].expand(1, 4, 3)
    surface = SurfacePoints(
        points,
        colours.contiguous(),
        torch.zeros(1, 4, 3, 2),
        torch.tensor([[1.0, 0.5, 1.0, 1.0]]),
        block_size=4,
    )
    image = torch.full((60, 80, 3), 127.5)
    still, neutral = torch.eye(4, dtype=torch.float64)[None], torch.tensor([[1.0, 1, 1, 0, 0, 0]])
    system = pass_over(surface, image, CAMERA, still, neutral, 0.2)
    assert float(system.chosen) == pytest.approx(3.5)
    assert float(system.seen) == pytest.approx(2.5)
    assert float(system.inliers) == pytest.approx(1.5)
    # rho is 0, 1/4 / (1 + 1/4) = 0.2 and 4 / 5, weighted by 1, 1/2 and 1.
    assert float(system.cost) == pytest.approx((0.5 * 0.2 + 0.8) / 2.5, rel=1e-4)


@pytest.mark.parametrize('pass_over', [build, build_by_tensors])
def test_nothing_in_view_gives_zeros(pass_over):
    surface, image, camera, delta, exposure, scale = random_problem(seed=3)
    away = se3.exp(torch.tensor([0, 0, -50.0, 0, 0, 0], dtype=torch.float64)) @ delta
    system = pass_over(surface, image, camera, away, exposure, scale)
    for name in set(FIELDS) - {'chosen'}:
        assert not getattr(system, name).any(), name


def test_systems_are_picked_one_by_one():
    surface, image, camera, delta, exposure, scale = random_problem()
    one = build(surface, image, camera, delta, exposure, scale)
    other = build(surface, image, camera, delta, 2 * exposure, scale)
    mixed = one.where(torch.tensor([True, False, True]), other)
    for name in FIELDS:
        assert torch.equal(getattr(mixed, name)[[0, 2]], getattr(one, name)[[0, 2]])
        assert torch.equal(getattr(mixed, name)[1], getattr(other, name)[1])
