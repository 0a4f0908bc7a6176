"""Levenberg-Marquardt in one compiled function, for the CPU.

It takes the steps that `lm.solve_by_tensors` takes; see there for what they mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from mesh_reloc_ros.alignment.normal_equations_cpu import accumulate


@njit(cache=True, nogil=True)
def solve_one(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    block_size: int,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    robust_scale: float,
    block_prior: Any,
    max_iterations: int,
    prior: Any,
    pixels_per_step: Any,
    largest_px: float,
    small_px: float,
    min_seen: float,
    max_rise: float,
    mixing: Any,
) -> int:
    """Move one `delta` [4, 4] and `exposure` [6], float64, to the solution; return the steps taken.

    :param prior: [12], weight of the pull towards no motion and a neutral exposure.
    :param pixels_per_step: [6], how far a unit of each part of a twist moves the image.
    :param mixing: bounds of the factor of Anderson's acceleration.
    """
    surface = (points, colours, gradients, weights, block_size, image, intrinsics)
    system, sums = np.zeros((12, 13)), np.zeros(5)
    new_system, new_sums = np.zeros((12, 13)), np.zeros(5)
    accumulate(*surface, delta, exposure, robust_scale, block_prior, system, sums)
    cost, fewest_seen = sums[0] / max(3 * sums[3], 1e-9), min_seen * sums[3]
    damping, iterations, mixes = 1e-4, 0, False
    last_plain, last_step = np.zeros(12), np.zeros(12)
    while iterations < max_iterations:
        iterations += 1
        plain = damped_step(system, exposure, damping, prior)
        step = plain.copy()
        if mixes:
            step = mixed_step(plain, last_plain, last_step, pixels_per_step, mixing)
        moved_px = 0.0
        for i in range(6):
            moved_px += abs(step[i]) * pixels_per_step[i]
        if moved_px > largest_px:
            step *= largest_px / moved_px
        new_delta = exp(step) @ delta
        new_exposure = exposure + step[6:]
        accumulate(
            *surface, new_delta, new_exposure, robust_scale, block_prior, new_system, new_sums
        )
        new_cost = new_sums[0] / max(3 * new_sums[3], 1e-9)
        mixes = new_cost < max_rise * cost and new_sums[3] > fewest_seen
        if mixes:
            delta[:], exposure[:], cost = new_delta, new_exposure, new_cost
            system, new_system = new_system, system
            last_plain, last_step = plain, step
            damping = max(damping * 0.1, 1e-7)
        else:
            damping = min(damping * 10, 1e7)
        if not moved_px > small_px:
            break
    return iterations


@njit(cache=True, nogil=True)
def mixed_step(plain: Any, last_plain: Any, last_step: Any, weights: Any, bounds: Any) -> Any:
    """Return the step [12] by Anderson's acceleration; see `lm._mixed`."""
    product, length = 0.0, 1e-30
    for i in range(6):
        change = (plain[i] - last_plain[i]) * weights[i]
        product += plain[i] * weights[i] * change
        length += change * change
    factor = min(max(product / length, bounds[0]), bounds[1])
    return plain - factor * (last_step + plain - last_plain)


@njit(cache=True, nogil=True)
def damped_step(system: Any, exposure: Any, damping: float, prior: Any) -> Any:
    """Return the damped step [12]: zero where the points leave it undetermined."""
    n = 12
    lower, step = np.zeros((n, n)), np.empty(n)
    for i in range(n):
        step[i] = -system[i, 12]
        if i >= 6:
            step[i] -= prior[i] * (exposure[i - 6] - (1.0 if i < 9 else 0.0))
        for j in range(i + 1):
            total = system[i, j]
            if i == j:
                total += system[i, i] * damping + prior[i] + 1e-9
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = total / lower[j, j]
            elif total > 0:
                lower[i, i] = math.sqrt(total)
            else:
                return np.zeros(n)
    for i in range(n):
        for k in range(i):
            step[i] -= lower[i, k] * step[k]
        step[i] /= lower[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            step[i] -= lower[k, i] * step[k]
        step[i] /= lower[i, i]
    return step


@njit(cache=True, nogil=True)
def exp(twist: Any) -> Any:
    """Return the motion [4, 4] of a twist [6]; see `geometry.se3.exp`."""
    x, y, z = twist[3], twist[4], twist[5]
    t2 = x * x + y * y + z * z
    if t2 < 1e-6:
        a, b, c = 1 - t2 / 6, 0.5 - t2 / 24, 1 / 6 - t2 / 120
    else:
        t = math.sqrt(t2)
        a, b, c = math.sin(t) / t, (1 - math.cos(t)) / t2, (t - math.sin(t)) / (t2 * t)
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    k2 = k @ k
    motion = np.eye(4)
    motion[:3, :3] += a * k + b * k2
    motion[:3, 3] = twist[:3] + (b * k + c * k2) @ twist[:3]
    return motion
