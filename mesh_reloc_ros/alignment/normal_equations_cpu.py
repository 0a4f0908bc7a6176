"""The normal equations in one compiled pass over the points, for the CPU.

It computes what `normal_equations.build_by_tensors` does; `residual` has the formulas.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
_NEAR_M = 1e-2


def build_on_cpu(
    points: NDArray[np.float32],
    colours: NDArray[np.float32],
    gradients: NDArray[np.float32],
    weights: NDArray[np.float32],
    image: NDArray[np.float32],
    intrinsics: tuple[float, float, float, float],
    delta: Array,
    exposure: NDArray[np.float32],
    robust_scale: float,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return hessian [B, 12, 12], gradient [B, 12], cost, variance, seen and inliers [B]."""
    batch = len(delta)
    hessian, gradient = np.zeros((batch, 12, 12)), np.zeros((batch, 12))
    sums = np.zeros((batch, 5))
    for b in range(batch):
        accumulate(
            points[b],
            colours[b],
            gradients[b],
            weights[b],
            image,
            intrinsics,
            delta[b],
            exposure[b],
            robust_scale,
            hessian[b],
            gradient[b],
            sums[b],
        )
    rho, weighted, weight, seen, inliers = sums.T
    cost = rho / (3 * np.maximum(seen, 1e-9))
    variance = weighted / np.maximum(weight, 1e-9)
    return hessian, gradient, cost, variance, seen.copy(), inliers.copy()


@njit(cache=True, nogil=True, fastmath=True)
def accumulate(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    scale: float,
    hessian: Any,
    gradient: Any,
    sums: Any,
) -> None:
    """Fill hessian [12, 12], gradient [12] and sums [5] for one pose.

    The sums are those of rho, weighted squared residuals, weights, points seen and inliers.
    """
    hessian[:] = 0
    gradient[:] = 0
    sums[:] = 0
    fx, fy, cx, cy = intrinsics
    height, width = image.shape[:2]
    inverse_scale2 = 1.0 / (scale * scale)
    pose = np.zeros((3, 6, 6))
    cross = np.zeros((3, 3, 6))
    scalars = np.zeros((3, 5))
    row = np.zeros(6)
    for i in range(len(points)):
        if not weights[i] > 0:
            continue
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        x = delta[0, 0] * px + delta[0, 1] * py + delta[0, 2] * pz + delta[0, 3]
        y = delta[1, 0] * px + delta[1, 1] * py + delta[1, 2] * pz + delta[1, 3]
        z = delta[2, 0] * px + delta[2, 1] * py + delta[2, 2] * pz + delta[2, 3]
        if not z > _NEAR_M:
            continue
        u = fx * x / z + cx
        v = fy * y / z + cy
        if not (u >= 0 and v >= 0 and u < width - 1 and v < height - 1):
            continue
        u0, v0 = int(u), int(v)
        a, b = u - u0, v - v0
        sums[3] += weights[i]
        inlier = True
        for c in range(3):
            c00, c10 = image[v0, u0, c], image[v0, u0 + 1, c]
            c01, c11 = image[v0 + 1, u0, c], image[v0 + 1, u0 + 1, c]
            top, bottom = c00 + a * (c10 - c00), c01 + a * (c11 - c01)
            gu, gv = exposure[c] * gradients[i, c, 0], exposure[c] * gradients[i, c, 1]
            template = colours[i, c]
            error = exposure[c] * template + exposure[3 + c] - (top + b * (bottom - top))
            squared = error * error * inverse_scale2
            root = 1.0 / (1.0 + squared)
            weight = weights[i] * root * root
            inlier = inlier and squared < 1
            sums[0] += weights[i] * squared * root
            sums[1] += weight * error * error
            sums[2] += weight
            ax, ay = -gu * fx / z, -gv * fy / z
            az = -(ax * x + ay * y) / z
            row[0], row[1], row[2] = ax, ay, az
            row[3], row[4], row[5] = az * y - ay * z, ax * z - az * x, ay * x - ax * y
            for j in range(6):
                scaled = weight * row[j]
                for k in range(j + 1):
                    pose[c, j, k] += scaled * row[k]
                cross[c, 0, j] += scaled * error
                cross[c, 1, j] += scaled * template
                cross[c, 2, j] += scaled
            scalars[c, 0] += weight * template * template
            scalars[c, 1] += weight * template
            scalars[c, 2] += weight
            scalars[c, 3] += weight * template * error
            scalars[c, 4] += weight * error
        if inlier:
            sums[4] += weights[i]
    for c in range(3):
        for j in range(6):
            for k in range(j + 1):
                hessian[j, k] += pose[c, j, k]
            gradient[j] += cross[c, 0, j]
            hessian[6 + c, j] = cross[c, 1, j]
            hessian[9 + c, j] = cross[c, 2, j]
        hessian[6 + c, 6 + c] = scalars[c, 0]
        hessian[9 + c, 6 + c] = scalars[c, 1]
        hessian[9 + c, 9 + c] = scalars[c, 2]
        gradient[6 + c] = scalars[c, 3]
        gradient[9 + c] = scalars[c, 4]
    for j in range(12):
        for k in range(j):
            hessian[k, j] = hessian[j, k]
