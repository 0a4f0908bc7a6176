"""Normal equations and Levenberg-Marquardt in compiled functions, for the CPU.

They compute what `normal_equations.build_by_tensors` and `lm.solve_by_tensors` do; see there for
what it means, and `residual` for the formulas. The Jacobian of a channel in the pose is its
gradient [2] times the Jacobian of the pixel [2, 6], which the channels share.

All in one module: numba keeps compiled functions on disk, and does not notice that one which they
call from another module has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.se3 import exp

Array = NDArray[np.float64]
_NEAR_M = 1e-2


@kernel(fastmath=True)
def accumulate(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    block_size: int,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    scale: float,
    block_prior: Any,
    system: Any,
    sums: Any,
) -> None:
    """Fill the system [12, 13] (hessian and gradient) and sums [5] for one pose.

    The sums are those of rho, weighted squared residuals, weights, points seen and inliers.
    """
    system[:] = 0
    sums[:] = 0
    pose, own = np.zeros((6, 7)), np.zeros((3, 2, 9))
    for first in range(0, len(points), block_size):
        pose[:] = 0
        own[:] = 0
        last = min(first + block_size, len(points))
        _add_points(
            points[first:last],
            colours[first:last],
            gradients[first:last],
            weights[first:last],
            image,
            intrinsics,
            delta,
            exposure,
            scale,
            pose,
            own,
            sums,
        )
        _add_block(pose, own, block_prior, system)
    for j in range(12):
        for k in range(j):
            system[k, j] = system[j, k]


@kernel(fastmath=True)
def _add_points(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    scale: float,
    pose: Any,
    own: Any,
    sums: Any,
) -> None:
    """Add a block's points to `pose` [6, 7] (lower half, and right side) and `own` [3, 2, 9].

    The latter: per channel the rows of its gain and offset, with columns for the pose, for gain
    and offset, and for the right side.
    """
    fx, fy, cx, cy = intrinsics
    height, width = image.shape[:2]
    inverse_scale2 = 1.0 / (scale * scale)
    along_u, along_v = np.zeros(6), np.zeros(6)
    for i in range(len(points)):
        if not weights[i] > 0:
            continue
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        x = delta[0, 0] * px + delta[0, 1] * py + delta[0, 2] * pz + delta[0, 3]
        y = delta[1, 0] * px + delta[1, 1] * py + delta[1, 2] * pz + delta[1, 3]
        z = delta[2, 0] * px + delta[2, 1] * py + delta[2, 2] * pz + delta[2, 3]
        if not z > _NEAR_M:
            continue
        x, y, inverse_z = x / z, y / z, 1 / z
        u, v = fx * x + cx, fy * y + cy
        if not (u >= 0 and v >= 0 and u < width - 1 and v < height - 1):
            continue
        u0, v0 = int(u), int(v)
        a, b = u - u0, v - v0
        along_u[0], along_u[2] = -fx * inverse_z, fx * x * inverse_z
        along_u[3], along_u[4], along_u[5] = fx * x * y, -fx * (1 + x * x), fx * y
        along_v[1], along_v[2] = -fy * inverse_z, fy * y * inverse_z
        along_v[3], along_v[4], along_v[5] = fy * (1 + y * y), -fy * x * y, -fy * x
        uu = uv = vv = eu = ev = 0.0
        inlier = True
        for c in range(3):
            # No differences of pixels: they are of an unsigned type.
            top = (1 - a) * image[v0, u0, c] + a * image[v0, u0 + 1, c]
            bottom = (1 - a) * image[v0 + 1, u0, c] + a * image[v0 + 1, u0 + 1, c]
            gu, gv = exposure[c] * gradients[i, c, 0], exposure[c] * gradients[i, c, 1]
            template = colours[i, c]
            error = exposure[c] * template + exposure[3 + c]
            error -= ((1 - b) * top + b * bottom) / 255
            squared = error * error * inverse_scale2
            root = 1.0 / (1.0 + squared)
            weight = weights[i] * root * root
            inlier = inlier and squared < 1
            sums[0] += weights[i] * squared * root
            sums[1] += weight * error * error
            sums[2] += weight
            wu, wv = weight * gu, weight * gv
            uu += wu * gu
            uv += wu * gv
            vv += wv * gv
            eu += wu * error
            ev += wv * error
            for j in range(6):
                along = wu * along_u[j] + wv * along_v[j]
                own[c, 0, j] += along * template
                own[c, 1, j] += along
            own[c, 0, 6] += weight * template * template
            own[c, 0, 7] += weight * template
            own[c, 1, 7] += weight
            own[c, 0, 8] += weight * template * error
            own[c, 1, 8] += weight * error
        for j in range(6):
            left = uu * along_u[j] + uv * along_v[j]
            right = uv * along_u[j] + vv * along_v[j]
            for k in range(j + 1):
                pose[j, k] += left * along_u[k] + right * along_v[k]
            pose[j, 6] += eu * along_u[j] + ev * along_v[j]
        sums[3] += weights[i]
        if inlier:
            sums[4] += weights[i]


@kernel(fastmath=True)
def _add_block(pose: Any, own: Any, prior: Any, system: Any) -> None:
    """Add a block to the lower half of the system, its own gain and offset eliminated."""
    for j in range(6):
        for k in range(j + 1):
            system[j, k] += pose[j, k]
        system[j, 12] += pose[j, 6]
    for c in range(3):
        gain, offset = own[c]
        offset[6] = gain[7]
        gg, go, oo = gain[6] + prior[0], gain[7], offset[7] + prior[1]
        determinant = gg * oo - go * go
        for j in range(8):
            by_gain = (oo * gain[j] - go * offset[j]) / determinant
            by_offset = (gg * offset[j] - go * gain[j]) / determinant
            # The unknown that a column of a channel belongs to: pose, alpha or beta.
            row = j if j < 6 else (6 + c if j == 6 else 9 + c)
            for k in range(j + 1):
                column = k if k < 6 else (6 + c if k == 6 else 9 + c)
                system[row, column] -= by_gain * gain[k] + by_offset * offset[k]
                if j >= 6:
                    system[row, column] += own[c, j - 6, k]
            system[row, 12] -= by_gain * gain[8] + by_offset * offset[8]
            if j >= 6:
                system[row, 12] += own[c, j - 6, 8]


@kernel()
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
    system: Any,
    sums: Any,
) -> int:
    """Move one `delta` [4, 4] and `exposure` [6], float64, to the solution; return the steps taken.

    The system [12, 13] and sums [5] there, as `accumulate` has them, are filled in.

    :param prior: [12], weight of the pull towards no motion and a neutral exposure.
    :param pixels_per_step: [6], how far a unit of each part of a twist moves the image.
    :param mixing: bounds of the factor of Anderson's acceleration.
    """
    surface = (points, colours, gradients, weights, block_size, image, intrinsics)
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
            system[:], sums[:] = new_system, new_sums
            last_plain, last_step = plain, step
            damping = max(damping * 0.1, 1e-7)
        else:
            damping = min(damping * 10, 1e7)
        if not moved_px > small_px:
            break
    return iterations


@kernel()
def mixed_step(plain: Any, last_plain: Any, last_step: Any, weights: Any, bounds: Any) -> Any:
    """Return the step [12] by Anderson's acceleration; see `lm._mixed`."""
    product, length = 0.0, 1e-30
    for i in range(6):
        change = (plain[i] - last_plain[i]) * weights[i]
        product += plain[i] * weights[i] * change
        length += change * change
    factor = min(max(product / length, bounds[0]), bounds[1])
    return plain - factor * (last_step + plain - last_plain)


@kernel()
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
