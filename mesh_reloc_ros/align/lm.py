"""Levenberg-Marquardt on pose and exposure, for a batch of poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.levenberg_marquardt import solve_one
from mesh_reloc_ros.types.camera import Camera

Array = NDArray[np.float64]

# A pull of the exposure towards neutral, in units of a residual of the robust scale: it matters
# only where the image has too little contrast to tell gain and offset apart.
_EXPOSURE_SIGMA = (1.0, 1.0, 1.0, 0.5, 0.5, 0.5)
# How much the exposure of a block differs from that of the image, 1 sigma.
_BLOCK_GAIN_SIGMA, _BLOCK_OFFSET_SIGMA = 0.2, 0.1


class SolverOptions(NamedTuple):
    """How `solve` minimises the loss on one pyramid level."""

    robust_scale: float
    """Residuals of about this size count half; of 0 to 1."""
    max_iterations: int
    small_px: float
    """A step that moves the image by less than this, in pixels, is the last."""
    largest_step: float = 0.1
    """Steps are limited to this share of the image's width, as far as the linearization holds."""
    min_seen: float = 0.6
    """A step is rejected if fewer than this share of the points that were seen at first remain in
    view, however well they agree."""
    max_rise: float = 1.02
    """The loss may rise by this factor in a step: it does not include the blocks' exposures."""
    mixing: tuple[float, float] = (-3.0, 0.5)
    """Bounds of the factor of Anderson acceleration; zeros switch it off."""


@dataclass(frozen=True)
class NormalEquations:
    """Normal equations of a batch of B alignments."""

    hessian: Array
    """[B, 12, 12], J^T W J."""
    gradient: Array
    """[B, 12], J^T W r."""
    cost: Array
    """[B], mean of the loss over the channels of the points that are seen."""
    variance: Array
    """[B], weighted variance of one residual."""
    chosen: Array
    """[B], weight of all points."""
    seen: Array
    """[B], weight of the points inside the image."""
    inliers: Array
    """[B], weight of those whose residual is below the scale in every channel."""


@dataclass(frozen=True)
class Solution:
    """The result of a batch of B alignments on one pyramid level."""

    live_T_keyframe: Tensor
    """[B, 4, 4] float64, from the camera that rendered the keyframe to the live camera."""
    exposure: Tensor
    """[B, 6] float32: three alphas, three betas."""
    system: NormalEquations
    """The normal equations at the solution."""
    iterations: int
    robust_scale: float
    """Of the loss that was minimised."""


def solve(
    surface: SurfacePoints,
    level: ImageLevel,
    live_T_keyframe: Tensor,
    exposure: Tensor,
    options: SolverOptions,
) -> Solution:
    """Align surface points with the live image, from start poses and exposures.

    The loss is Geman-McClure's; steps that increase its mean over the points seen are undone.

    :param live_T_keyframe: [B, 4, 4] float64. :param exposure: [B, 6].
    """
    motions, exposures = live_T_keyframe.numpy().copy(), exposure.double().numpy().copy()
    camera, scale = level.camera, options.robust_scale
    pixels_per_step = _pixels_per_step(surface, camera)
    systems, sums = np.zeros((len(motions), 12, 13)), np.zeros((len(motions), 5))
    iterations = 0
    for b in range(len(motions)):
        iterations += solve_one(
            surface.points[b],
            surface.colours[b],
            surface.gradients[b],
            surface.weights[b],
            surface.block_size,
            level.image,
            (camera.fx, camera.fy, camera.cx, camera.cy),
            motions[b],
            exposures[b],
            scale,
            block_prior(scale),
            options.max_iterations,
            _prior(scale),
            pixels_per_step[b],
            options.largest_step * camera.width,
            options.small_px,
            options.min_seen,
            options.max_rise,
            options.mixing,
            systems[b],
            sums[b],
        )
    return Solution(
        live_T_keyframe=torch.from_numpy(motions),
        exposure=torch.from_numpy(exposures).float(),
        system=_normal_equations(systems, sums, surface),
        iterations=iterations,
        robust_scale=scale,
    )


def image_motion_px(surface: SurfacePoints, camera: Camera, motions: Tensor) -> Tensor:
    """Return how far motions of the camera [B, 4, 4] move the image, roughly, [B] in pixels."""
    pixels_per_step = torch.from_numpy(_pixels_per_step(surface, camera))
    return (_small_twists(motions).abs() * pixels_per_step).sum(-1)


def _normal_equations(systems: Array, sums: Array, surface: SurfacePoints) -> NormalEquations:
    """Return what the solver has summed up: systems [B, 12, 13] and sums [B, 5]."""
    rho, squared, weight, seen, inliers = sums.T
    return NormalEquations(
        hessian=systems[..., :12],
        gradient=systems[..., 12],
        cost=rho / (3 * np.maximum(seen, 1e-9)),
        variance=squared / np.maximum(weight, 1e-9),
        chosen=surface.weights.sum(1).astype(np.float64),
        seen=seen,
        inliers=inliers,
    )


def block_prior(robust_scale: float) -> tuple[float, float]:
    """Return the weights of the pull of a block's gain and offset towards neutral."""
    return (robust_scale / _BLOCK_GAIN_SIGMA) ** 2, (robust_scale / _BLOCK_OFFSET_SIGMA) ** 2


def _prior(robust_scale: float) -> Array:
    """Return the weight [12] of the pull of each unknown towards its neutral value."""
    prior = np.zeros(12)
    prior[6:] = (robust_scale / np.array(_EXPOSURE_SIGMA)) ** 2
    return prior


def _small_twists(motions: Tensor) -> Tensor:
    """Return the twists [B, 6] of motions [B, 4, 4], to the first order of the angle."""
    odd = 0.5 * (motions[:, :3, :3] - motions[:, :3, :3].transpose(1, 2))
    turns = (odd[:, 2, 1], odd[:, 0, 2], odd[:, 1, 0])
    return torch.cat((motions[:, :3, 3], torch.stack(turns, dim=-1)), dim=-1)


def _pixels_per_step(surface: SurfacePoints, camera: Camera) -> Array:
    """Return how far a unit of each part of a twist [B, 6] moves the image, roughly, in pixels."""
    pixels = np.full((len(surface.median_depth), 6), camera.fx)
    pixels[:, :3] /= surface.median_depth[:, None]
    return pixels
