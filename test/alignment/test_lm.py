"""Levenberg-Marquardt on one level: compiled and by tensors, step for step."""

import math

import numpy as np
import pytest
import torch
from small_room import CAMERA, SmallRoom, photographed, pose_at

from mesh_reloc_ros.alignment.alignment import neutral_exposure
from mesh_reloc_ros.alignment.lm import solve, solve_by_tensors
from mesh_reloc_ros.alignment.lm_cpu import exp
from mesh_reloc_ros.alignment.normal_equations import build
from mesh_reloc_ros.alignment.points import select_points
from mesh_reloc_ros.alignment.pyramid import image_pyramid
from mesh_reloc_ros.geometry import se3

LEVEL = 2
SCALE = 0.12
TRUE_EXPOSURE = torch.tensor([1.2, 0.85, 1.0, 0.05, -0.03, 0.08])


@pytest.fixture
def problem(room: SmallRoom, room_levels):
    """Return points of three renders, an image of another pose, camera, and motions to start."""
    seen = room.view(pose_at(1.4))
    image = photographed(seen, 1, gain=(1.2, 0.85, 1.0), offset=(12.75, -7.65, 20.4))
    level = room_levels[LEVEL]
    surface = select_points(level, 1500)
    still = torch.eye(4, dtype=torch.float64).repeat(3, 1, 1)
    live = image_pyramid(image, LEVEL, LEVEL, torch.device('cpu'))[0].contiguous()
    return surface, live, level.camera, still


def true_deltas():
    """Return the motions [3, 4, 4] from the rendering cameras to the one of the image."""
    rendered = torch.stack([torch.from_numpy(pose_at(step)) for step in (0.0, 1.0, 2.0)])
    return torch.linalg.inv(torch.from_numpy(pose_at(1.4))) @ rendered


@pytest.mark.parametrize('steps', [1, 2, 3, 4, 6, 9])
def test_the_compiled_solver_takes_the_steps_of_the_tensor_solver(problem, steps):
    arguments = {'robust_scale': SCALE, 'max_iterations': steps, 'small_px': 1e-3}
    compiled = solve(*problem, neutral_exposure(3), **arguments)
    tensors = solve_by_tensors(*problem, neutral_exposure(3), **arguments)
    still = problem[3]
    assert (compiled.moved_px > 0.5).all()
    assert torch.allclose(compiled.delta, tensors.delta, atol=1e-5)
    assert torch.allclose(compiled.exposure, tensors.exposure, atol=1e-4)
    assert torch.allclose(compiled.moved_px, tensors.moved_px, atol=2e-3)
    assert torch.allclose(compiled.system.hessian, tensors.system.hessian, rtol=1e-3, atol=1e-2)
    assert (compiled.delta - still).abs().max() > 0.01


def test_a_step_that_is_small_enough_is_the_last(problem):
    def iterations(solver, small_px):
        each = []
        for b in range(3):
            surface, image, camera, still = problem
            one = type(surface)(
                *(getattr(surface, name)[b : b + 1] for name in surface.__dataclass_fields__)
            )
            solution = solver(
                one,
                image,
                camera,
                still[:1],
                neutral_exposure(1),
                robust_scale=SCALE,
                max_iterations=50,
                small_px=small_px,
            )
            each.append(solution.iterations)
        return each

    for small_px in (0.5, 0.02):
        assert iterations(solve, small_px) == iterations(solve_by_tensors, small_px)
    assert max(iterations(solve, 1e9)) == 1
    assert sum(iterations(solve, 0.5)) < sum(iterations(solve, 0.005)) < 100


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
def test_pose_and_exposure_are_found(problem, solver):
    solution = solver(
        *problem, neutral_exposure(3), robust_scale=SCALE, max_iterations=40, small_px=1e-3
    )
    off = se3.log(solution.delta @ torch.linalg.inv(true_deltas()))
    # At a quarter of the resolution a pixel is 0.015 rad, or some 4 cm.
    assert off[:, :3].abs().max() < 4e-3
    assert off[:, 3:].abs().max() < 2e-3
    assert (solution.exposure - TRUE_EXPOSURE).abs().max() < 0.03
    assert (solution.system.inliers / solution.system.chosen > 0.9).all()


@pytest.mark.parametrize('solver', [solve, solve_by_tensors])
def test_the_loss_never_grows_however_bad_the_start(problem, solver):
    surface, image, camera, _ = problem
    generator = torch.Generator().manual_seed(5)
    for scale in (0.05, 0.3, 1.5):
        start = se3.exp(scale * torch.randn(3, 6, generator=generator, dtype=torch.float64))
        before = build(surface, image, camera, start, neutral_exposure(3), SCALE)
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
    surface, image, camera, still = problem
    if case == 'no points':
        surface = type(surface)(
            surface.points, surface.colours, surface.gradients, torch.zeros_like(surface.weights)
        )
    elif case == 'uniform image':
        image = torch.full_like(image, 0.5)
    else:
        still = still.clone()
        still[:, 2, 3] = -100
    solution = solver(
        surface,
        image,
        camera,
        still,
        neutral_exposure(3),
        robust_scale=SCALE,
        max_iterations=10,
        small_px=0.02,
    )
    assert torch.isfinite(solution.delta).all()
    assert torch.isfinite(solution.exposure).all()
    if case != 'uniform image':
        assert torch.equal(solution.delta, still)


@pytest.mark.parametrize('angle', [0.0, 1e-9, 1e-4, 9.9e-4, 1.1e-3, 0.3, 3.0])
def test_the_compiled_exponential_map_is_that_of_se3(angle):
    rng = np.random.default_rng(6)
    for _ in range(5):
        axis = rng.normal(size=3)
        twist = np.concatenate((rng.normal(size=3), angle * axis / np.linalg.norm(axis)))
        np.testing.assert_allclose(exp(twist), se3.exp(torch.from_numpy(twist)), atol=1e-9)
    assert math.isfinite(exp(np.zeros(6)).sum())
