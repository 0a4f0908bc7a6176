"""The reference of the compiled code: its Jacobian against automatic differentiation."""

import torch
from support.oracle.residual import jacobian, residuals, sample_live

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=60, height=44, fx=50.0, fy=57.0, cx=24.3, cy=25.8)
# Colour of pixel (u, v): base + slopes . (u, v), per channel.
BASE = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64)
SLOPES = torch.tensor([[0.006, 0.002], [-0.003, 0.005], [0.001, -0.008]], dtype=torch.float64)


def linear_image():
    """Return a level whose image [44, 60, 3] is of 0 to 255 as live images are, not rounded."""
    v, u = torch.meshgrid(torch.arange(44), torch.arange(60), indexing='ij')
    image = 255 * (BASE + torch.stack((u, v), dim=-1).double() @ SLOPES.T)
    return ImageLevel(0, image.numpy(), CAMERA)


def problem():
    """Return poses [2, 4, 4], an exposure [2, 6] and points that stay inside the image.

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
    surface = SurfacePoints.from_tensors(
        points=torch.stack((x, y, depth), dim=-1),
        colours=torch.rand(2, 80, 3, generator=generator, dtype=torch.float64),
        gradients=(SLOPES / alpha).expand(2, 80, 3, 2),
        weights=torch.ones(2, 80, dtype=torch.float64),
        block_size=80,
    )
    return se3.exp(twists), exposure, surface


def test_the_image_is_sampled_where_the_moved_points_project():
    live_T_keyframe, _, surface = problem()
    samples = sample_live(surface, linear_image(), live_T_keyframe)
    points = torch.from_numpy(surface.points)
    pixels = CAMERA.project(se3.transform(live_T_keyframe, points))
    assert samples.inside.all()
    assert torch.allclose(samples.colours, BASE + pixels @ SLOPES.T, atol=1e-12)


def test_the_jacobian_is_the_derivative_of_the_residual():
    """Of pose, alphas and betas, column by column."""
    live_T_keyframe, exposure, surface = problem()
    level = linear_image()

    def residual(unknowns):
        moved = se3.exp(unknowns[:, :6]) @ live_T_keyframe
        samples = sample_live(surface, level, moved)
        return residuals(samples, surface, exposure + unknowns[:, 6:])

    by_autograd = torch.autograd.functional.jacobian(
        residual, torch.zeros(2, 12, dtype=torch.float64), vectorize=True
    )
    samples = sample_live(surface, level, live_T_keyframe)
    analytic = jacobian(samples, surface, level, exposure)
    assert analytic.shape == (2, 80, 3, 12)
    for b in range(2):
        expected = by_autograd[b, :, :, b]
        assert (expected.abs().amax((0, 1)) > 1e-3).all()
        assert torch.allclose(analytic[b], expected, atol=1e-10)
        # One pose of a batch has nothing to do with another.
        assert not by_autograd[b, :, :, 1 - b].any()


def test_points_behind_the_camera_or_outside_the_image_are_not_inside():
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
    none = torch.zeros(1, 8, 3, 2, dtype=torch.float64)
    surface = SurfacePoints.from_tensors(points, none[..., 0], none, none[..., 0, 0], block_size=8)
    samples = sample_live(surface, linear_image(), torch.eye(4, dtype=torch.float64)[None])
    assert samples.inside[0].tolist() == [True] + [False] * 7
    assert torch.isfinite(samples.colours).all()
