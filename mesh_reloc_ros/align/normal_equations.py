"""The robust, weighted normal equations of the photometric residual.

The loss is Geman-McClure's, rho(s) = s / (1 + s) with s = (residual / scale)^2, minimised by
iteratively reweighted least squares with weight rho'(s) = 1 / (1 + s)^2.

A texture is baked from photographs of several exposures, and shades and shines as they happened to.
So every block of points has a gain and an offset of its own per channel, small random ones on top
of the exposure of the whole image, and they are eliminated (Schur complement). The weights do not
follow them: a block that disagrees with the rest of the image in brightness is of less worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import UNKNOWNS, jacobian, residuals, sample_live
from mesh_reloc_ros.types.camera import Camera

# How much the exposure of a block differs from that of the image, 1 sigma.
_BLOCK_GAIN_SIGMA, _BLOCK_OFFSET_SIGMA = 0.2, 0.1


@dataclass(frozen=True)
class NormalEquations:
    """Normal equations of a batch of B alignments, all float64."""

    hessian: Tensor
    """[B, 12, 12], J^T W J."""
    gradient: Tensor
    """[B, 12], J^T W r."""
    cost: Tensor
    """[B], mean of rho over the channels of the points that are seen."""
    variance: Tensor
    """[B], weighted variance of one residual."""
    chosen: Tensor
    """[B], weight of all points."""
    seen: Tensor
    """[B], weight of the points inside the image."""
    inliers: Tensor
    """[B], weight of those whose residual is below the scale in every channel."""

    def where(self, condition: Tensor, other: NormalEquations) -> NormalEquations:
        """Take self where the condition [B] holds, the other elsewhere."""

        def pick(name: str) -> Tensor:
            mine, theirs = getattr(self, name), getattr(other, name)
            return torch.where(condition.reshape(-1, *[1] * (mine.ndim - 1)), mine, theirs)

        return NormalEquations(*(pick(name) for name in self.__dataclass_fields__))


def system_of_sums(
    systems: NDArray[np.float64], sums: NDArray[np.float64], surface: SurfacePoints
) -> NormalEquations:
    """Return what `lm_cpu.accumulate` has summed up: systems [B, 12, 13] and sums [B, 5]."""
    system = torch.from_numpy(systems)
    rho, weighted, weight, seen, inliers = torch.from_numpy(sums).unbind(1)
    return NormalEquations(
        hessian=system[..., :UNKNOWNS],
        gradient=system[..., UNKNOWNS],
        cost=rho / (3 * seen.clamp(min=1e-9)),
        variance=weighted / weight.clamp(min=1e-9),
        chosen=surface.total_weight,
        seen=seen,
        inliers=inliers,
    )


def build_by_tensors(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    robust_scale: float,
) -> NormalEquations:
    """Build the normal equations at motions `delta` [B, 4, 4] and `exposure` [B, 6], on any device.

    `lm_cpu.accumulate` does the same in one compiled pass over the points, for the CPU.

    :param image: [H, W, 3] of 0 to 255, the live image.
    """
    samples = sample_live(delta, surface.points, image, camera)
    error = residuals(samples, surface, exposure)
    prior = surface.weights * samples.inside
    squared = (error / robust_scale).square()
    weight = (1 / (1 + squared)).square() * prior[..., None]
    rows = jacobian(samples, surface, exposure, camera).reshape(len(delta), -1, UNKNOWNS)
    weighted = rows * weight.reshape(len(delta), -1, 1)
    right = error.reshape(len(delta), -1, 1)
    system = weighted.transpose(1, 2) @ torch.cat((rows, right), dim=-1)
    system = system.double() - _local(rows, right, weight, surface, robust_scale)
    count = prior.sum(1).double()
    robust = ((squared / (1 + squared)) * prior[..., None]).sum((1, 2)).double()
    total = weight.sum((1, 2)).double()
    inliers = (squared < 1).all(-1) * prior
    return NormalEquations(
        hessian=system[..., :UNKNOWNS],
        gradient=system[..., UNKNOWNS],
        cost=robust / (3 * count.clamp(min=1e-9)),
        variance=(weight * error.square()).sum((1, 2)).double() / total.clamp(min=1e-9),
        chosen=surface.total_weight,
        seen=count,
        inliers=inliers.sum(1).double(),
    )


def block_prior(robust_scale: float) -> tuple[float, float]:
    """Return the weights of the pull of a block's gain and offset towards none."""
    return (robust_scale / _BLOCK_GAIN_SIGMA) ** 2, (robust_scale / _BLOCK_OFFSET_SIGMA) ** 2


def _local(
    rows: Tensor, right: Tensor, weight: Tensor, surface: SurfacePoints, robust_scale: float
) -> Tensor:
    """Return what the blocks' own exposures explain of the system [B, 12, 13].

    :param rows: [B, 3 N, 12]. :param right: [B, 3 N, 1]. :param weight: [B, N, 3].
    """
    batch, points = weight.shape[:2]
    columns = torch.cat((rows, right), dim=-1).reshape(batch, points, 3, -1)
    own = torch.stack((surface.colours, torch.ones_like(surface.colours)), dim=-1)

    def block_sums(values: Tensor) -> Tensor:
        """Return values [B, N, 3, 2, K] summed over blocks, [B, blocks, 3, 2, K]."""
        return values.unflatten(1, (-1, surface.block_size)).sum(2).double()

    weighted = weight[..., None, None] * own[..., None]
    cross = block_sums(weighted * columns[..., None, :])
    gram = block_sums(weighted * own[..., None, :])
    prior = torch.tensor(block_prior(robust_scale), dtype=gram.dtype, device=gram.device)
    # Without its check, for which a GPU would have to wait.
    explained = torch.linalg.solve_ex(gram + torch.diag(prior), cross).result
    return torch.einsum('bncij,bncik->bjk', cross[..., :UNKNOWNS], explained)
