"""Levenberg-Marquardt on pose and exposure, with Anderson acceleration."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.exposure import NEUTRAL, exposure_prior
from mesh_reloc_ros.kernels.layout import (
    CHANNELS,
    COLUMNS,
    EXPOSURE,
    EXPOSURE_SIZE,
    GRADIENT,
    LOSS,
    POSE_SIZE,
    SEEN,
    SUMS,
    UNKNOWNS,
)
from mesh_reloc_ros.kernels.normal_equations import accumulate
from mesh_reloc_ros.kernels.photometric import LiveImage, Template, render_of
from mesh_reloc_ros.kernels.se3 import exp

# Of the diagonal, relative to it: at first, at least, at most; a step that is undone makes it ten
# times as large.
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-4, 1e-7, 1e7


class SolverOptions(NamedTuple):
    """How the loss is minimised on one pyramid level."""

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
    start_weight: float = 0.0
    """Information of the start pose, relative to that of the image in the mean direction."""


@kernel()
def solve_batch(
    batch: Template,
    live: LiveImage,
    pixels_per_step: Any,
    options: SolverOptions,
    live_T_keyframe: Any,
    exposure: Any,
    systems: Any,
    sums: Any,
    moved: Any,
) -> int:
    """Move poses [B, 4, 4] and exposures [B, EXPOSURE_SIZE] to the solutions; return the steps.

    :param pixels_per_step: [B, 6], how far a unit of each part of a twist moves the image.
    :param systems: [B, UNKNOWNS, COLUMNS], filled in with the normal equations at the solutions.
    :param sums: [B, SUMS], filled in as well; see `layout`.
    :param moved: [B, 6], zeros; filled in with the twists to the solutions.
    """
    iterations = 0
    for b in range(len(live_T_keyframe)):
        iterations += _solve(
            render_of(batch, b),
            live,
            pixels_per_step[b],
            options,
            live_T_keyframe[b],
            exposure[b],
            systems[b],
            sums[b],
            moved[b],
        )
    return iterations


@kernel()
def _solve(
    render: Template,
    live: LiveImage,
    pixels_per_step: Any,
    options: SolverOptions,
    live_T_keyframe: Any,
    exposure: Any,
    system: Any,
    sums: Any,
    moved: Any,
) -> int:
    scale, prior = options.robust_scale, exposure_prior(options.robust_scale)
    largest_px = options.largest_step * live.pixels.shape[1]
    new_system, new_sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
    accumulate(render, live, live_T_keyframe, exposure, scale, system, sums)
    loss, fewest_seen = _mean_loss(sums), options.min_seen * sums[SEEN]
    damping, iterations, mixes = FIRST_DAMPING, 0, False
    last_plain, last_step = np.zeros(UNKNOWNS), np.zeros(UNKNOWNS)
    while iterations < options.max_iterations:
        iterations += 1
        start = options.start_weight * _start_information(system, pixels_per_step)
        plain = _damped_step(system, exposure, damping, prior, moved, start)
        step = plain.copy()
        if mixes:
            step = _mixed_step(plain, last_plain, last_step, pixels_per_step, options.mixing)
        moved_px = 0.0
        for i in range(POSE_SIZE):
            moved_px += abs(step[i]) * pixels_per_step[i]
        if moved_px > largest_px:
            step *= largest_px / moved_px
        new_pose = exp(step) @ live_T_keyframe
        new_exposure = exposure + step[EXPOSURE]
        accumulate(render, live, new_pose, new_exposure, scale, new_system, new_sums)
        new_loss = _mean_loss(new_sums)
        mixes = new_loss < options.max_rise * loss and new_sums[SEEN] > fewest_seen
        if mixes:
            live_T_keyframe[:], exposure[:], loss = new_pose, new_exposure, new_loss
            system[:], sums[:] = new_system, new_sums
            last_plain, last_step = plain, step
            moved += step[:POSE_SIZE]
            damping = max(damping * 0.1, LEAST_DAMPING)
        else:
            damping = min(damping * 10, MOST_DAMPING)
        if not moved_px > options.small_px:
            break
    return iterations


@kernel()
def _mean_loss(sums: Any) -> Any:
    return sums[LOSS] / max(CHANNELS * sums[SEEN], 1e-9)


@kernel()
def _mixed_step(plain: Any, last_plain: Any, last_step: Any, weights: Any, bounds: Any) -> Any:
    """Return the step [UNKNOWNS] by Anderson acceleration of depth one.

    Reweighting converges linearly: each step is a share of the one before, and the change from one
    to the next tells how far it goes on. See H. Walker and P. Ni, "Anderson acceleration for
    fixed-point iterations", SIAM J. Numer. Anal. 49, 2011.
    """
    product, length = 0.0, 1e-30
    for i in range(POSE_SIZE):
        change = (plain[i] - last_plain[i]) * weights[i]
        product += plain[i] * weights[i] * change
        length += change * change
    factor = min(max(product / length, bounds[0]), bounds[1])
    return plain - factor * (last_step + plain - last_plain)


@kernel()
def _start_information(system: Any, pixels_per_step: Any) -> Any:
    """Return the information [6] of a start that is known as well as from the image, on average."""
    per_px = 0.0
    for i in range(POSE_SIZE):
        per_px += system[i, i] / pixels_per_step[i] ** 2 / POSE_SIZE
    return per_px * pixels_per_step**2


@kernel()
def _damped_step(
    system: Any, exposure: Any, damping: float, prior: Any, moved: Any, start: Any
) -> Any:
    """Return the damped step [UNKNOWNS] by Cholesky decomposition; zeros if it is undetermined.

    :param prior: [EXPOSURE_SIZE], information of the neutral exposure.
    :param moved: [6], twist since the start. :param start: [6], information of the start.
    """
    matrix, step = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS)
    for i in range(UNKNOWNS):
        step[i] = -system[i, GRADIENT]
        for j in range(i):
            matrix[i, j] = system[i, j]
        matrix[i, i] = system[i, i] * (1 + damping) + 1e-9
    for i in range(POSE_SIZE):
        step[i] -= start[i] * moved[i]
        matrix[i, i] += start[i]
    for i in range(EXPOSURE_SIZE):
        step[POSE_SIZE + i] -= prior[i] * (exposure[i] - NEUTRAL[i])
        matrix[POSE_SIZE + i, POSE_SIZE + i] += prior[i]
    for i in range(UNKNOWNS):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = total / matrix[j, j]
            elif total > 0:
                matrix[i, i] = math.sqrt(total)
            else:
                return np.zeros(UNKNOWNS)
    for i in range(UNKNOWNS):
        for k in range(i):
            step[i] -= matrix[i, k] * step[k]
        step[i] /= matrix[i, i]
    for i in range(UNKNOWNS - 1, -1, -1):
        for k in range(i + 1, UNKNOWNS):
            step[i] -= matrix[k, i] * step[k]
        step[i] /= matrix[i, i]
    return step
