"""The robust, weighted normal equations of the photometric residual.

The loss is Geman-McClure's, rho(s) = s / (1 + s) with s = (residual / scale)^2, minimised by
iteratively reweighted least squares with weight rho'(s) = 1 / (1 + s)^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.alignment.normal_equations_cpu import build_on_cpu
from mesh_reloc_ros.alignment.points import SurfacePoints
from mesh_reloc_ros.alignment.residual import UNKNOWNS, jacobian, residuals, sample_live
from mesh_reloc_ros.geometry.camera import Camera


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


def build(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    robust_scale: float,
) -> NormalEquations:
    """Build the normal equations at motions `delta` [B, 4, 4] and `exposure` [B, 6].

    On the CPU by one compiled pass over the points, elsewhere by tensor operations.

    :param image: [H, W, 3] float32, the live image.
    """
    if image.device.type != 'cpu':
        return build_by_tensors(surface, image, camera, delta, exposure, robust_scale)
    table = build_on_cpu(
        surface.points.numpy(),
        surface.colours.numpy(),
        surface.gradients.numpy(),
        surface.weights.numpy(),
        image.numpy(),
        (camera.fx, camera.fy, camera.cx, camera.cy),
        delta.numpy(),
        exposure.numpy(),
        robust_scale,
    )
    hessian, gradient, *scalars = (torch.from_numpy(array) for array in table)
    cost, variance, seen, inliers = scalars
    return NormalEquations(hessian, gradient, cost, variance, _chosen(surface), seen, inliers)


def build_by_tensors(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    robust_scale: float,
) -> NormalEquations:
    """Do what `build` does by tensor operations, on any device: the oracle of the compiled pass."""
    samples = sample_live(delta, surface.points, image, camera)
    error = residuals(samples, surface, exposure)
    prior = surface.weights * samples.inside
    squared = (error / robust_scale).square()
    weight = (1 / (1 + squared)).square() * prior[..., None]
    rows = jacobian(samples, surface, exposure, camera).reshape(len(delta), -1, UNKNOWNS)
    weighted = rows * weight.reshape(len(delta), -1, 1)
    right = error.reshape(len(delta), -1, 1)
    count = prior.sum(1).double()
    robust = ((squared / (1 + squared)) * prior[..., None]).sum((1, 2)).double()
    total = weight.sum((1, 2)).double()
    inliers = (squared < 1).all(-1) * prior
    return NormalEquations(
        hessian=(weighted.transpose(1, 2) @ rows).double(),
        gradient=(weighted.transpose(1, 2) @ right).squeeze(-1).double(),
        cost=robust / (3 * count.clamp(min=1e-9)),
        variance=(weight * error.square()).sum((1, 2)).double() / total.clamp(min=1e-9),
        chosen=_chosen(surface),
        seen=count,
        inliers=inliers.sum(1).double(),
    )


def _chosen(surface: SurfacePoints) -> Tensor:
    return surface.weights.sum(1).double()
