"""The residual, and its Jacobian against automatic differentiation."""

import torch

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import jacobian, residuals, sample_live
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=60, height=44, fx=50.0, fy=57.0, cx=24.3, cy=25.8)
# Colour of pixel (u, v): base + slopes . (u, v), per channel.
BASE = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64)
SLOPES = torch.tensor([[0.006, 0.002], [-0.003, 0.005], [0.001, -0.008]], dtype=torch.float64)


def linear_image():
    """Return the image [44, 60, 3], of 0 to 255 as live images are."""
    v, u = torch.meshgrid(torch.arange(44), torch.arange(60), indexing='ij')
    return 255 * (BASE + torch.stack((u, v), dim=-1).double() @ SLOPES.T)


def problem():
    """Return motions [2, 4, 4], an exposure [2, 6] and points that stay inside the image.

    The render's gradients, times alpha, are the image's, as they are at a right alignment.
    """
    generator = torch.Generator().manual_seed(1)
    twists = 0.04 * torch.randn(2, 6, generator=generator, dtype=torch.float64)
    pixels = torch.rand(2, 80, 2, generator=generator, dtype=torch.float64)
    u, v = (10 + 40 * pixels[..., 0]), (8 + 28 * pixels[..., 1])
    depth = 1 + 2 * torch.rand(2, 80, generator=generator, dtype=torch.float64)
    x, y = (u - CAMERA.cx) / CAMERA.fx * depth, (v - CAMERA.cy) / CAMERA.fy * depth
    exposure = torch.tensor(
        [[1.2, 0.9, 1.0, 0.03, -0.05, 0.02], [0.7, 1.4, 1.1, -0.1, 0.2, 0.0]], dtype=torch.float64
    )
    alpha = exposure[:, None, :3, None]
    surface = SurfacePoints(
        points=torch.stack((x, y, depth), dim=-1),
        colours=torch.rand(2, 80, 3, generator=generator, dtype=torch.float64),
        gradients=(SLOPES / alpha).expand(2, 80, 3, 2),
        weights=torch.ones(2, 80, dtype=torch.float64),
        block_size=80,
    )
    return se3.exp(twists), exposure, surface


def test_the_image_is_sampled_where_the_moved_points_project():
    delta, _, surface = problem()
    samples = sample_live(delta, surface.points, linear_image(), CAMERA)
    pixels = CAMERA.project(se3.transform(delta, surface.points))
    assert samples.inside.all()
    assert torch.allclose(samples.colours, BASE + pixels @ SLOPES.T, atol=1e-12)


def test_the_jacobian_is_the_derivative_of_the_residual():
    """Of pose, alphas and betas, column by column."""
    delta, exposure, surface = problem()
    image = linear_image()

    def residual(unknowns):
        moved = se3.exp(unknowns[:, :6]) @ delta
        samples = sample_live(moved, surface.points, image, CAMERA)
        return residuals(samples, surface, exposure + unknowns[:, 6:])

    by_autograd = torch.autograd.functional.jacobian(
        residual, torch.zeros(2, 12, dtype=torch.float64), vectorize=True
    )
    samples = sample_live(delta, surface.points, image, CAMERA)
    analytic = jacobian(samples, surface, exposure, CAMERA)
    assert analytic.shape == (2, 80, 3, 12)
    for b in range(2):
        expected = by_autograd[b, :, :, b]
        assert (expected.abs().amax((0, 1)) > 1e-3).all()
        assert torch.allclose(analytic[b], expected, atol=1e-10)
        # One pose of a batch has nothing to do with another.
        assert not by_autograd[b, :, :, 1 - b].any()


def test_points_behind_the_camera_or_outside_the_image_are_not_inside():
    image = linear_image()
    points = torch.tensor(
        [
            [0.0, 0.0, 1.0],
            [0.0, 0.0, -1.0],
            [0.0, 0.0, 0.0],
            [0.0, 0.0, 1e-9],
            [-0.6, 0.0, 1.0],
            [0.8, 0.0, 1.0],
            [0.0, -0.5, 1.0],
            [0.0, 0.4, 1.0],
        ],
        dtype=torch.float64,
    )[None]
    samples = sample_live(torch.eye(4, dtype=torch.float64)[None], points, image, CAMERA)
    assert samples.inside[0].tolist() == [True] + [False] * 7
    assert torch.isfinite(samples.colours).all()
