"""The robust, weighted normal equations, with each block's gain and offset eliminated."""

import torch
from torch import Tensor

from mesh_reloc_ros.align.lm import NormalEquations
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from support.oracle.residual import censored, jacobian, residuals, sample_live, tensors_of

BLOCK_GAIN_SIGMA, BLOCK_OFFSET_SIGMA = 0.2, 0.1


def build(
    surface: SurfacePoints,
    level: ImageLevel,
    live_T_keyframe: Tensor,
    exposure: Tensor,
    robust_scale: float,
) -> NormalEquations:
    """Return the normal equations at `live_T_keyframe` [B, 4, 4] and `exposure` [B, 6]."""
    batch = len(live_T_keyframe)
    samples = sample_live(surface, level, live_T_keyframe)
    error = residuals(samples, surface, exposure)
    chosen = tensors_of(surface).weights
    beyond = censored(samples, error)
    unusable = chosen * (samples.inside & beyond.all(-1))
    prior = chosen * samples.inside - unusable
    counts = prior[..., None] * ~beyond
    squared = (error / robust_scale).square()
    weight = (1 / (1 + squared)).square() * counts
    rows = jacobian(samples, surface, level, exposure).reshape(batch, -1, 12)
    weighted = rows * weight.reshape(batch, -1, 1)
    right = error.reshape(batch, -1, 1)
    system = weighted.transpose(1, 2) @ torch.cat((rows, right), dim=-1)
    system = system.double() - _local(rows, right, weight, surface, robust_scale)
    seen = prior.sum(1).double()
    robust = ((squared / (1 + squared)) * counts).sum((1, 2)).double()
    total = weight.sum((1, 2)).double()
    variance = (weight * error.square()).sum((1, 2)).double() / total.clamp(min=1e-9)
    return NormalEquations(
        hessian=system[..., :12].numpy(),
        gradient=system[..., 12].numpy(),
        cost=(robust / (3 * seen.clamp(min=1e-9))).numpy(),
        variance=variance.numpy(),
        usable=(chosen - unusable).sum(1).double().numpy(),
        seen=seen.numpy(),
        inliers=(((squared < 1) | beyond).all(-1) * prior).sum(1).double().numpy(),
    )


def block_prior(robust_scale: float) -> Tensor:
    """Return the weights [2] of the pull of a block's gain and offset towards neutral."""
    sigma = torch.tensor([BLOCK_GAIN_SIGMA, BLOCK_OFFSET_SIGMA], dtype=torch.float64)
    return (robust_scale / sigma).square()


def _local(
    rows: Tensor, right: Tensor, weight: Tensor, surface: SurfacePoints, robust_scale: float
) -> Tensor:
    """Return what the blocks' own exposures explain of the system [B, 12, 13].

    :param rows: [B, 3 N, 12]. :param right: [B, 3 N, 1]. :param weight: [B, N, 3].
    """
    batch, points = weight.shape[:2]
    columns = torch.cat((rows, right), dim=-1).reshape(batch, points, 3, -1)
    colours = tensors_of(surface).colours
    own = torch.stack((colours, torch.ones_like(colours)), dim=-1)

    def block_sums(values: Tensor) -> Tensor:
        """Return values [B, N, 3, 2, K] summed over blocks, [B, blocks, 3, 2, K]."""
        return values.unflatten(1, (-1, surface.block_size)).sum(2).double()

    weighted = weight[..., None, None] * own[..., None]
    cross = block_sums(weighted * columns[..., None, :])
    gram = block_sums(weighted * own[..., None, :])
    explained = torch.linalg.solve(gram + torch.diag(block_prior(robust_scale)), cross)
    return torch.einsum('bncij,bncik->bjk', cross[..., :12], explained)
