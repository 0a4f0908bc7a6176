"""The covariance of an aligned pose, from how the blocks of the image disagree.

Residuals of neighbouring pixels err together: noise is textured, edges are a little out of place.
How much together is not known, so it is not assumed. The pose is where the gradients of the loss by
all blocks of points add up to zero; how those gradients scatter tells how far their sum could be
off (the "sandwich" of P. Huber, "The behavior of maximum likelihood estimates under nonstandard
conditions", 1967, with blocks for clusters as in K.-Y. Liang and S. Zeger, "Longitudinal data
analysis using generalized linear models", Biometrika 73, 1986):

    covariance = A^-1 B A^-T

with B the variance of the sum, and A the derivative of the gradient with respect to the pose. See
docs/method.md.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.normal_equations import block_prior
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import residuals, sample_live
from mesh_reloc_ros.kernels import covariance as covariance_cpu
from mesh_reloc_ros.kernels.block_sums import FIGURES, NEAR_M, sum_blocks
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

# An area is a square of this share of the image's longer side.
_AREA = 1 / 4
# Between pixels the image is taken as linear, which misplaces an area by so much, 1 sigma.
_RESAMPLED_PX = 0.007
# Residuals of less, as of an image without noise, are not believed.
_LEAST_VARIANCE = 1e-8


def pose_covariance(
    surface: SurfacePoints, image: Tensor, camera: Camera, solution: Solution, misplaced: float
) -> Tensor:
    """Return the covariance [B, 6, 6] of the twist of solutions, float64 on the CPU.

    :param image: [H, W, 3] of 0 to 255, the level that was aligned last, and its camera.
    :param misplaced: by how much areas of the mesh are out of place, relative to their distance,
        1 sigma: no image tells that.
    """
    by = _block_sums_on_cpu if image.device.type == 'cpu' else block_sums_by_tensors
    blocks = by(surface, image, camera, solution)
    systems = solution.system.hessian.cpu().numpy()
    variances = solution.system.variance.clamp(min=_LEAST_VARIANCE).tolist()
    intrinsics = camera.fx, camera.fy, camera.cx, camera.cy
    area_px = _AREA * max(camera.width, camera.height)
    misplaced = math.hypot(misplaced, _RESAMPLED_PX / camera.fx)
    covariances = [
        covariance_cpu.pose_covariance(system, figures, intrinsics, area_px, misplaced, variance)
        for system, figures, variance in zip(systems, blocks, variances, strict=True)
    ]
    return torch.from_numpy(np.stack(covariances))


def _block_sums_on_cpu(
    surface: SurfacePoints, image: Tensor, camera: Camera, solution: Solution
) -> NDArray[np.float64]:
    batch, count = surface.weights.shape
    blocks = np.empty((batch, -(-count // surface.block_size), FIGURES))
    for b in range(batch):
        sum_blocks(
            surface.points[b].numpy(),
            surface.colours[b].numpy(),
            surface.gradients[b].numpy(),
            surface.weights[b].numpy(),
            surface.block_size,
            image.numpy(),
            (camera.fx, camera.fy, camera.cx, camera.cy),
            solution.delta[b].numpy(),
            solution.exposure[b].double().numpy(),
            solution.robust_scale,
            block_prior(solution.robust_scale),
            blocks[b],
        )
    return blocks


def block_sums_by_tensors(
    surface: SurfacePoints, image: Tensor, camera: Camera, solution: Solution
) -> NDArray[np.float64]:
    """Return the figures [B, blocks, FIGURES] of every block, on any device.

    `block_sums_cpu.sum_blocks` does the same in one compiled pass over the points, for the CPU.
    """
    scale, exposure = solution.robust_scale, solution.exposure
    samples = sample_live(solution.delta, surface.points, image, camera)
    error = residuals(samples, surface, exposure).double()
    root = 1 / (1 + (error / scale).square())
    weight = root.square() * (surface.weights * samples.inside)[..., None]

    def by_block(values: Tensor) -> Tensor:
        """Return values [B, N, ...] as [B, blocks, points, ...]."""
        return values.double().unflatten(1, (-1, surface.block_size))

    error, root, weight = by_block(error), by_block(root), by_block(weight)
    template = by_block(surface.colours)
    gradients = by_block(exposure[:, None, :3, None] * surface.gradients)
    live = by_block(_live_gradients(solution.delta, surface.points, image, camera))
    # What gain and offset of the block, per channel, do not explain of errors and gradients.
    own = torch.stack((template, torch.ones_like(template)), dim=-1)
    columns = torch.cat((error[..., None], gradients), dim=-1)
    gram = torch.einsum('bnpc,bnpci,bnpcj->bncij', weight, own, own)
    prior = torch.tensor(block_prior(scale), dtype=gram.dtype, device=gram.device)
    right = torch.einsum('bnpc,bnpci,bnpcj->bncij', weight, own, columns)
    explained = torch.linalg.solve_ex(gram + torch.diag(prior), right).result
    left = columns - torch.einsum('bnpci,bncij->bnpcj', own, explained)
    rest, steep = left[..., 0], left[..., 1:]
    # The derivative of weight times rest.
    curved = weight * (1 - 4 * error * rest * root / scale**2)
    pull = torch.einsum('bnpc,bnpc,bnpci->bnpi', weight, rest, gradients)
    rays, along = _image_motion(solution.delta, surface.points, camera)
    energy = (weight * gradients.square().sum(-1)).sum(-1)
    products = torch.einsum('bnpc,bnpci,bnpcj->bnij', weight, steep, gradients).flatten(2)
    figures = (
        -torch.einsum('bnpi,bnpij->bnj', pull, by_block(along)),
        (prior * explained[..., 0]).transpose(2, 3).flatten(2),
        products[..., [0, 1, 3]],
        torch.einsum('bnpc,bnpci,bnpcj->bnij', curved, steep, live).flatten(2),
        energy.sum(-1, keepdim=True),
        torch.einsum('bnp,bnpi->bni', energy, by_block(rays)),
    )
    return np.asarray(torch.cat(figures, dim=-1).cpu().numpy())


def _image_motion(delta: Tensor, points: Tensor, camera: Camera) -> tuple[Tensor, Tensor]:
    """Return x / z, y / z, 1 / z [B, N, 3] of moved points, and pixels per twist [B, N, 2, 6]."""
    moved = se3.transform(delta, points.double())
    z = torch.where(moved[..., 2] > NEAR_M, moved[..., 2], torch.ones_like(moved[..., 2]))
    x, y, nearness = moved[..., 0] / z, moved[..., 1] / z, 1 / z
    zero = torch.zeros_like(x)
    along_u = torch.stack((nearness, zero, -x * nearness, -x * y, 1 + x * x, -y), dim=-1)
    along_v = torch.stack((zero, nearness, -y * nearness, -1 - y * y, x * y, x), dim=-1)
    along = torch.stack((camera.fx * along_u, camera.fy * along_v), dim=-2)
    return torch.stack((x, y, nearness), dim=-1), along


def _live_gradients(delta: Tensor, points: Tensor, image: Tensor, camera: Camera) -> Tensor:
    """Return the slope [B, N, 3, 2] of the live image between the pixels about projected points."""
    moved = se3.transform(delta.to(points.dtype), points)
    safe = torch.where(moved[..., 2:] > NEAR_M, moved, torch.ones_like(moved))
    u, v = camera.project(safe).unbind(-1)
    height, width = image.shape[:2]
    u0, v0 = u.clamp(0, width - 2).floor(), v.clamp(0, height - 2).floor()
    a, b = (u - u0)[..., None], (v - v0)[..., None]
    index = v0.long() * width + u0.long()
    texels = image.reshape(-1, 3)
    places = (index, index + 1, index + width, index + width + 1)
    c00, c10, c01, c11 = (texels[place].to(points.dtype) for place in places)
    slopes = torch.lerp(c10 - c00, c11 - c01, b), torch.lerp(c01 - c00, c11 - c10, a)
    return torch.stack(slopes, dim=-1) / 255
