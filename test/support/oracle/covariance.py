"""The figures of every block of points that the covariance is made of."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera
from support.oracle.normal_equations import block_prior
from support.oracle.residual import (
    NEAR_M,
    censored,
    live_gradients,
    residuals,
    sample_live,
    tensors_of,
)


def block_sums(
    surface: SurfacePoints, level: ImageLevel, solution: Solution
) -> NDArray[np.float64]:
    """Return what `align._covariance.block_sums` does, [B, blocks, 23]."""
    scale, exposure, given = solution.robust_scale, solution.exposure, tensors_of(surface)
    samples = sample_live(surface, level, solution.live_T_keyframe)
    error = residuals(samples, surface, exposure).double()
    root = 1 / (1 + (error / scale).square())
    weight = root.square() * (given.weights * samples.inside)[..., None]
    weight = weight * ~censored(samples, error)

    def by_block(values: Tensor) -> Tensor:
        """Return values [B, N, ...] as [B, blocks, points, ...]."""
        return values.double().unflatten(1, (-1, surface.block_size))

    error, root, weight = by_block(error), by_block(root), by_block(weight)
    template = by_block(given.colours)
    gradients = by_block(exposure[:, None, :3, None] * given.gradients)
    live = by_block(live_gradients(surface, level, solution.live_T_keyframe))
    # What gain and offset of the block, per channel, do not explain of errors and gradients.
    own = torch.stack((template, torch.ones_like(template)), dim=-1)
    columns = torch.cat((error[..., None], gradients), dim=-1)
    gram = torch.einsum('bnpc,bnpci,bnpcj->bncij', weight, own, own)
    prior = block_prior(scale)
    right = torch.einsum('bnpc,bnpci,bnpcj->bncij', weight, own, columns)
    explained = torch.linalg.solve(gram + torch.diag(prior), right)
    left = columns - torch.einsum('bnpci,bncij->bnpcj', own, explained)
    rest, steep = left[..., 0], left[..., 1:]
    # The derivative of weight times rest.
    curved = weight * (1 - 4 * error * rest * root / scale**2)
    pull = torch.einsum('bnpc,bnpc,bnpci->bnpi', weight, rest, gradients)
    rays, along = _image_motion(solution.live_T_keyframe, given.points, level.camera)
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
    return np.asarray(torch.cat(figures, dim=-1).numpy())


def _image_motion(live_T_keyframe: Tensor, points: Tensor, camera: Camera) -> tuple[Tensor, Tensor]:
    """Return x / z, y / z, 1 / z [B, N, 3] of moved points, and pixels per twist [B, N, 2, 6]."""
    moved = se3.transform(live_T_keyframe, points.double())
    z = torch.where(moved[..., 2] > NEAR_M, moved[..., 2], torch.ones_like(moved[..., 2]))
    x, y, nearness = moved[..., 0] / z, moved[..., 1] / z, 1 / z
    zero = torch.zeros_like(x)
    along_u = torch.stack((nearness, zero, -x * nearness, -x * y, 1 + x * x, -y), dim=-1)
    along_v = torch.stack((zero, nearness, -y * nearness, -1 - y * y, x * y, x), dim=-1)
    along = torch.stack((camera.fx * along_u, camera.fy * along_v), dim=-2)
    return torch.stack((x, y, nearness), dim=-1), along
