"""Levenberg-Marquardt on pose and exposure, for a batch of poses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.normal_equations import (
    NormalEquations,
    block_prior,
    build_by_tensors,
    system_of_sums,
)
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import UNKNOWNS
from mesh_reloc_ros.kernels.levenberg_marquardt import solve_one
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

# A pull of the exposure towards none, in units of a residual of the robust scale: it matters
# only where the image has too little contrast to tell gain and offset apart.
_EXPOSURE_SIGMA = (1.0, 1.0, 1.0, 0.5, 0.5, 0.5)
# Steps are held to this share of the image's width: the linearisation says nothing beyond.
_LARGE_STEP = 0.1
# A pose that loses more of the points from view is no better, however well the rest agree.
_MIN_SEEN = 0.6
# The loss may rise by this factor in a step: it does not know of the blocks' own exposures.
_MAX_RISE = 1.02
# Bounds of the factor by which a step takes its change since the last one into account.
_MIXING = (-3.0, 0.5)


@dataclass(frozen=True)
class Solution:
    """Where a batch of B alignments on one pyramid level has come to."""

    delta: Tensor
    """[B, 4, 4] float64, motion from the rendering camera to the live camera."""
    exposure: Tensor
    """[B, 6] float32: three alphas, three betas."""
    system: NormalEquations
    """The normal equations at the solution."""
    moved_px: Tensor
    """[B], how far the steps have moved the image, roughly, in pixels of this level."""
    iterations: int
    robust_scale: float
    """Of the loss that was minimised."""


def solve(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    *,
    robust_scale: float,
    max_iterations: int,
    small_px: float,
) -> Solution:
    """Align surface points with the image [H, W, 3], from the motion `delta` and `exposure`.

    The loss is Geman-McClure's; steps that make its mean over the points seen larger are undone.
    It ends with a step that moves the image by less than `small_px`, roughly, or at the last.
    On the CPU a compiled function takes the steps, elsewhere tensor operations do.

    :param image: of 0 to 255.
    """
    by = _solve_on_cpu if image.device.type == 'cpu' else solve_by_tensors
    return by(
        surface,
        image,
        camera,
        delta,
        exposure,
        robust_scale=robust_scale,
        max_iterations=max_iterations,
        small_px=small_px,
    )


def _solve_on_cpu(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    *,
    robust_scale: float,
    max_iterations: int,
    small_px: float,
) -> Solution:
    start, delta, exposure = delta, delta.clone(), exposure.double()
    pixels_per_step = _pixels_per_step(surface, camera)
    systems, sums = np.zeros((len(delta), 12, 13)), np.zeros((len(delta), 5))
    iterations = 0
    for b in range(len(delta)):
        iterations += solve_one(
            surface.points[b].numpy(),
            surface.colours[b].numpy(),
            surface.gradients[b].numpy(),
            surface.weights[b].numpy(),
            surface.block_size,
            image.numpy(),
            (camera.fx, camera.fy, camera.cx, camera.cy),
            delta[b].numpy(),
            exposure[b].numpy(),
            robust_scale,
            block_prior(robust_scale),
            max_iterations,
            _prior(robust_scale).numpy(),
            pixels_per_step[b].numpy(),
            _LARGE_STEP * camera.width,
            small_px,
            _MIN_SEEN,
            _MAX_RISE,
            _MIXING,
            systems[b],
            sums[b],
        )
    moved_px = _moved_px(_small_twists(delta @ se3.inverse(start)), pixels_per_step)
    system = system_of_sums(systems, sums, surface)
    return Solution(delta, exposure.float(), system, moved_px, iterations, robust_scale)


def solve_by_tensors(
    surface: SurfacePoints,
    image: Tensor,
    camera: Camera,
    delta: Tensor,
    exposure: Tensor,
    *,
    robust_scale: float,
    max_iterations: int,
    small_px: float,
) -> Solution:
    """Do what `solve` does by tensor operations, on any device."""
    start, largest_px = delta, _LARGE_STEP * camera.width
    pixels_per_step = _pixels_per_step(surface, camera)
    damping = torch.full((len(delta),), 1e-4, dtype=torch.float64, device=delta.device)
    system = build_by_tensors(surface, image, camera, delta, exposure, robust_scale)
    fewest_seen = _MIN_SEEN * system.seen
    active = torch.ones(len(delta), dtype=torch.bool, device=delta.device)
    mixes = torch.zeros_like(active)
    last_plain = last_step = torch.zeros_like(system.gradient)
    # Made once, as every copy to a GPU holds the steps up.
    prior = _prior(robust_scale).to(delta.device)
    neutral = neutral_exposure(1).to(delta.device)
    iterations = 0
    while iterations < max_iterations:
        iterations += 1
        plain = _step(system, exposure, damping, prior, neutral)
        mixed = _mixed(plain, last_plain, last_step, pixels_per_step)
        step = torch.where(mixes[:, None], mixed, plain)
        moved_px = _moved_px(step[:, :6], pixels_per_step)
        step = step * (largest_px / moved_px.clamp(min=1e-9)).clamp(max=1)[:, None]
        new_delta = se3.exp(step[:, :6]) @ delta
        new_exposure = exposure + step[:, 6:].to(exposure.dtype)
        new_system = build_by_tensors(surface, image, camera, new_delta, new_exposure, robust_scale)
        lower = new_system.cost < _MAX_RISE * system.cost
        better = active & lower & (new_system.seen > fewest_seen)
        delta = torch.where(better[:, None, None], new_delta, delta)
        exposure = torch.where(better[:, None], new_exposure, exposure)
        system = new_system.where(better, system)
        last_plain = torch.where(better[:, None], plain, last_plain)
        last_step = torch.where(better[:, None], step, last_step)
        mixes = better
        damping = torch.where(better, damping * 0.1, damping * 10).clamp(1e-7, 1e7)
        active = active & (moved_px > small_px)
        # On a GPU it costs more to ask than to go on with what no longer changes.
        if active.device.type == 'cpu' and not bool(active.any()):
            break
    moved_px = _moved_px(_small_twists(delta @ se3.inverse(start)), pixels_per_step)
    return Solution(delta, exposure, system, moved_px, iterations, robust_scale)


def _step(
    system: NormalEquations, exposure: Tensor, damping: Tensor, prior: Tensor, neutral: Tensor
) -> Tensor:
    """Return the damped step [B, 12] of the normal equations."""
    hessian, gradient = system.hessian, system.gradient
    pull = prior[6:] * (exposure - neutral).to(hessian.dtype)
    diagonal = hessian.diagonal(dim1=-2, dim2=-1)
    damped = hessian + torch.diag_embed(diagonal * damping[:, None] + prior + 1e-9)
    right = -(gradient + torch.nn.functional.pad(pull, (6, 0)))
    factor, failed = torch.linalg.cholesky_ex(damped)
    step = torch.cholesky_solve(right[..., None], factor).squeeze(-1)
    # Without points there is nothing to solve for, and nowhere to go.
    return torch.where((failed == 0)[:, None], step, torch.zeros_like(step)).nan_to_num(0.0)


def _mixed(plain: Tensor, last_plain: Tensor, last_step: Tensor, pixels_per_step: Tensor) -> Tensor:
    """Return the steps [B, 12] by Anderson's acceleration, of depth one.

    Reweighting converges linearly, each step a share of the one before: the change from one to the
    next tells how far it goes on. See H. Walker and P. Ni, "Anderson acceleration for fixed-point
    iterations", SIAM J. Numer. Anal. 49, 2011.
    """
    change = (plain - last_plain)[:, :6] * pixels_per_step
    product = (plain[:, :6] * pixels_per_step * change).sum(-1)
    factor = (product / (change.square().sum(-1) + 1e-30)).clamp(*_MIXING)
    return plain - factor[:, None] * (last_step + plain - last_plain)


def _prior(robust_scale: float) -> Tensor:
    """Return the weight [12] of the pull of each unknown towards its neutral value."""
    prior = torch.zeros(UNKNOWNS, dtype=torch.float64)
    prior[6:] = (robust_scale / torch.tensor(_EXPOSURE_SIGMA, dtype=torch.float64)) ** 2
    return prior


def image_motion_px(surface: SurfacePoints, camera: Camera, delta: Tensor) -> Tensor:
    """Return how far motions `delta` [B, 4, 4] move the image [B], roughly, in pixels."""
    return _moved_px(_small_twists(delta), _pixels_per_step(surface, camera))


def _small_twists(motions: Tensor) -> Tensor:
    """Return the twists [B, 6] of motions [B, 4, 4], to the first order of the angle."""
    odd = 0.5 * (motions[:, :3, :3] - motions[:, :3, :3].transpose(1, 2))
    turns = (odd[:, 2, 1], odd[:, 0, 2], odd[:, 1, 0])
    return torch.cat((motions[:, :3, 3], torch.stack(turns, dim=-1)), dim=-1)


def _moved_px(twists: Tensor, pixels_per_step: Tensor) -> Tensor:
    return (twists.abs() * pixels_per_step).sum(-1)


def _pixels_per_step(surface: SurfacePoints, camera: Camera) -> Tensor:
    """Return how far a unit of each part of a twist [B, 6] moves the image, roughly, in pixels."""
    depth = surface.median_depth
    pixels = torch.full((len(depth), 6), camera.fx, dtype=torch.float64, device=depth.device)
    pixels[:, :3] /= depth[:, None]
    return pixels
