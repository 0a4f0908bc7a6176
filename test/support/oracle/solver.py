"""Levenberg-Marquardt with Anderson acceleration, all poses of a batch at once."""

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.lm import NormalEquations, Solution
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import se3
from support.oracle.normal_equations import build

EXPOSURE_SIGMA = torch.tensor([1.0, 1, 1, 0.5, 0.5, 0.5], dtype=torch.float64)


def solve(
    surface: SurfacePoints,
    level: ImageLevel,
    live_T_keyframe: Tensor,
    exposure: Tensor,
    options: SolverOptions,
) -> Solution:
    """Return what `align.lm.solve` does."""
    largest_px = options.largest_step * level.camera.width
    depth = torch.from_numpy(surface.median_depth)
    pixels_per_step = torch.full((len(depth), 6), level.camera.fx, dtype=torch.float64)
    pixels_per_step[:, :3] /= depth[:, None]
    damping = torch.full((len(depth),), 1e-4, dtype=torch.float64)
    system = build(surface, level, live_T_keyframe, exposure, options.robust_scale)
    fewest_seen = options.min_seen * system.seen
    active = torch.ones(len(depth), dtype=torch.bool)
    mixes = torch.zeros_like(active)
    last_plain = last_step = torch.zeros(len(depth), 12, dtype=torch.float64)
    iterations = 0
    while iterations < options.max_iterations and bool(active.any()):
        iterations += 1
        plain = _step(system, exposure, damping, options.robust_scale)
        mixed = _mixed(plain, last_plain, last_step, pixels_per_step, options.mixing)
        step = torch.where(mixes[:, None], mixed, plain)
        moved_px = (step[:, :6].abs() * pixels_per_step).sum(-1)
        step = step * (largest_px / moved_px.clamp(min=1e-9)).clamp(max=1)[:, None]
        moved = se3.exp(step[:, :6]) @ live_T_keyframe
        new_exposure = exposure + step[:, 6:].to(exposure.dtype)
        new = build(surface, level, moved, new_exposure, options.robust_scale)
        lower = (new.cost < options.max_rise * system.cost) & (new.seen > fewest_seen)
        mixes = active & torch.from_numpy(lower)
        live_T_keyframe = torch.where(mixes[:, None, None], moved, live_T_keyframe)
        exposure = torch.where(mixes[:, None], new_exposure, exposure)
        system = _picked(mixes, new, system)
        last_plain = torch.where(mixes[:, None], plain, last_plain)
        last_step = torch.where(mixes[:, None], step, last_step)
        damping = torch.where(mixes, damping * 0.1, damping * 10).clamp(1e-7, 1e7)
        active = active & (moved_px > options.small_px)
    return Solution(
        live_T_keyframe,
        exposure,
        system,
        iterations,
        options.robust_scale,
        moved_px=float('nan'),
        is_at_limit=iterations >= options.max_iterations,
    )


def _picked(condition: Tensor, one: NormalEquations, other: NormalEquations) -> NormalEquations:
    """Return the systems of `one` where the condition [B] holds, of the other elsewhere."""

    def pick(name: str) -> np.ndarray:
        mine, theirs = getattr(one, name), getattr(other, name)
        return np.where(condition.numpy().reshape(-1, *[1] * (mine.ndim - 1)), mine, theirs)

    return NormalEquations(*map(pick, NormalEquations.__dataclass_fields__))


def _step(
    system: NormalEquations, exposure: Tensor, damping: Tensor, robust_scale: float
) -> Tensor:
    """Return the damped step [B, 12] of the normal equations."""
    hessian, gradient = torch.from_numpy(system.hessian), torch.from_numpy(system.gradient)
    prior = torch.nn.functional.pad((robust_scale / EXPOSURE_SIGMA).square(), (6, 0))
    pull = prior[6:] * (exposure - neutral_exposure(1)).double()
    diagonal = hessian.diagonal(dim1=-2, dim2=-1)
    damped = hessian + torch.diag_embed(diagonal * damping[:, None] + prior + 1e-9)
    right = -(gradient + torch.nn.functional.pad(pull, (6, 0)))
    factor, failed = torch.linalg.cholesky_ex(damped)
    step = torch.cholesky_solve(right[..., None], factor).squeeze(-1)
    # Without points there is nothing to solve.
    return torch.where((failed == 0)[:, None], step, torch.zeros_like(step)).nan_to_num(0.0)


def _mixed(
    plain: Tensor,
    last_plain: Tensor,
    last_step: Tensor,
    pixels_per_step: Tensor,
    bounds: tuple[float, float],
) -> Tensor:
    """Return the steps [B, 12] by Anderson acceleration of depth one."""
    change = (plain - last_plain)[:, :6] * pixels_per_step
    product = (plain[:, :6] * pixels_per_step * change).sum(-1)
    factor = (product / (change.square().sum(-1) + 1e-30)).clamp(*bounds)
    return plain - factor[:, None] * (last_step + plain - last_plain)
