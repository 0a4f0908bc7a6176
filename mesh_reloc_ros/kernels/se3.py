"""Rigid motions as arrays, compiled; `types.se3` has the same for tensors, differentiable."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel

# Below this angle the series are exact to double precision.
SMALL_ANGLE = 1e-3


@kernel()
def exp(twist: Any) -> Any:
    """Return the motion [4, 4] of a twist [6]."""
    x, y, z = twist[3], twist[4], twist[5]
    t2 = x * x + y * y + z * z
    if t2 < SMALL_ANGLE**2:
        a, b, c = 1 - t2 / 6, 0.5 - t2 / 24, 1 / 6 - t2 / 120
    else:
        t = math.sqrt(t2)
        a, b, c = math.sin(t) / t, 2 * math.sin(t / 2) ** 2 / t2, (t - math.sin(t)) / (t2 * t)
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    k2 = k @ k
    motion = np.eye(4)
    motion[:3, :3] += a * k + b * k2
    motion[:3, 3] = twist[:3] + (b * k + c * k2) @ np.ascontiguousarray(twist[:3])
    return motion


@kernel()
def log(motion: Any) -> Any:
    """Return the twist [6] of a motion [4, 4], of rotation at most pi."""
    quaternion = _quaternion(motion)
    vector = quaternion[1:]
    sine = math.sqrt((vector * vector).sum())
    if sine < SMALL_ANGLE:
        rotation = (2 + sine**2 / 3) * vector
    else:
        rotation = 2 * math.atan2(sine, quaternion[0]) / sine * vector
    t2 = (rotation * rotation).sum()
    if t2 < SMALL_ANGLE**2:
        d = 1 / 12 + t2 / 720
    else:
        t = math.sqrt(t2)
        d = (1 - t * math.sin(t) / (4 * math.sin(t / 2) ** 2)) / t2
    x, y, z = rotation
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    translation = np.ascontiguousarray(motion[:3, 3])
    twist = np.empty(6)
    twist[:3] = translation - 0.5 * (k @ translation) + d * (k @ (k @ translation))
    twist[3:] = rotation
    return twist


@kernel()
def inverse(motions: Any) -> Any:
    """Return the inverse motions [B, 4, 4]."""
    inverted = np.zeros(motions.shape)
    for b in range(len(motions)):
        for i in range(3):
            for j in range(3):
                inverted[b, i, j] = motions[b, j, i]
                inverted[b, i, 3] -= motions[b, j, i] * motions[b, j, 3]
        inverted[b, 3, 3] = 1
    return inverted


@kernel()
def normalized(motions: Any) -> Any:
    """Return the motions [B, 4, 4] with rounding errors of long products taken out.

    One step of Newton's iteration for the nearest rotation, which squares the error (N. Higham,
    "Computing the polar decomposition", SIAM J. Sci. Stat. Comput. 7, 1986).
    """
    result = motions.copy()
    for b in range(len(motions)):
        rotation = motions[b, :3, :3]
        for i in range(3):
            for j in range(3):
                total = 1.5 * rotation[i, j]
                for k in range(3):
                    for m in range(3):
                        total -= 0.5 * rotation[i, k] * rotation[m, k] * rotation[m, j]
                result[b, i, j] = total
    return result


@kernel()
def adjoint(motion: Any) -> Any:
    """Return the adjoint [6, 6] of a motion [4, 4]: `T exp(x) T^-1 = exp(adjoint(T) x)`."""
    result = np.zeros((6, 6))
    x, y, z = motion[0, 3], motion[1, 3], motion[2, 3]
    for j in range(3):
        a, b, c = motion[0, j], motion[1, j], motion[2, j]
        for i, value in enumerate((a, b, c)):
            result[i, j] = result[3 + i, 3 + j] = value
        for i, value in enumerate((y * c - z * b, z * a - x * c, x * b - y * a)):
            result[i, 3 + j] = value
    return result


@kernel()
def _quaternion(m: Any) -> Any:
    """Return the unit quaternion [4] (w first, w >= 0) of a motion, by its largest component."""
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    largest, best = 1 + trace, 0
    for i in range(3):
        if 1 - trace + 2 * m[i, i] > largest:
            largest, best = 1 - trace + 2 * m[i, i], i + 1
    q = np.empty(4)
    if best == 0:
        q[:] = (largest, m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1])
    else:
        i = best - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q[0] = m[k, j] - m[j, k]
        q[1 + i] = largest
        q[1 + j] = m[i, j] + m[j, i]
        q[1 + k] = m[i, k] + m[k, i]
    q /= math.sqrt((q * q).sum())
    return -q if q[0] < 0 else q
