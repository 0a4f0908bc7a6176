"""Rigid motions SE(3) as 4x4 matrices and their twists, batched and differentiable.

A twist is `[..., 6]`: translation part first (metres), then rotation (radians). Formulas: J. Sola,
J. Deray, D. Atchuthan, "A micro Lie theory for state estimation in robotics", 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Below this angle the series to fourth order is exact to double precision.
_SMALL_ANGLE = 1e-3


def hat(vectors: Tensor) -> Tensor:
    """Return the cross-product matrices [..., 3, 3] of vectors [..., 3]."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    rows = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=-1)
    return rows.reshape(*vectors.shape[:-1], 3, 3)


def _coefficients(angle_squared: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return sin(t)/t, (1 - cos t)/t^2 and (t - sin t)/t^3, with finite gradients at t = 0."""
    small = angle_squared < _SMALL_ANGLE**2
    safe = torch.where(small, torch.ones_like(angle_squared), angle_squared)
    angle = safe.sqrt()
    t2 = angle_squared
    a = torch.where(small, 1 - t2 / 6 * (1 - t2 / 20), angle.sin() / angle)
    # 1 - cos t = 2 sin^2(t / 2) loses no digits at small angles.
    b = torch.where(small, 0.5 - t2 / 24 * (1 - t2 / 30), 2 * (angle / 2).sin() ** 2 / safe)
    c = torch.where(small, 1 / 6 - t2 / 120 * (1 - t2 / 42), (angle - angle.sin()) / (safe * angle))
    return a, b, c


def so3_exp(rotation: Tensor) -> Tensor:
    """Return rotation matrices [..., 3, 3] of rotation vectors [..., 3] in radians."""
    a, b, _ = _coefficients((rotation * rotation).sum(-1))
    k = hat(rotation)
    eye = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    return eye + a[..., None, None] * k + b[..., None, None] * (k @ k)


def so3_log(matrices: Tensor) -> Tensor:
    """Return rotation vectors [..., 3] of length at most pi, of rotation matrices [..., 3, 3].

    Goes by the quaternion, which is well conditioned at every angle, near pi too.
    """
    quaternion = _quaternion(matrices)
    w, v = quaternion[..., 0], quaternion[..., 1:]
    sine = v.norm(dim=-1)
    small = sine < _SMALL_ANGLE
    safe = torch.where(small, torch.ones_like(sine), sine)
    factor = torch.where(small, (2 + sine**2 / 3), 2 * torch.atan2(sine, w) / safe)
    return factor[..., None] * v


def _quaternion(matrices: Tensor) -> Tensor:
    """Return unit quaternions [..., 4] (w first, w >= 0) of rotation matrices [..., 3, 3].

    The quaternion is the dominant eigenvector of a symmetric 4x4 matrix; each row of that matrix's
    rank-one form is the quaternion times one of its components, and the largest row is taken.
    """
    m = matrices
    trace = m.diagonal(dim1=-2, dim2=-1).sum(-1)
    diagonal = m.diagonal(dim1=-2, dim2=-1)
    w = torch.stack(
        (
            1 + trace,
            m[..., 2, 1] - m[..., 1, 2],
            m[..., 0, 2] - m[..., 2, 0],
            m[..., 1, 0] - m[..., 0, 1],
        ),
        dim=-1,
    )
    rows = [w]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        row = [torch.zeros_like(trace)] * 4
        row[0] = m[..., k, j] - m[..., j, k]
        row[1 + i] = 1 - trace + 2 * diagonal[..., i]
        row[1 + j] = m[..., i, j] + m[..., j, i]
        row[1 + k] = m[..., i, k] + m[..., k, i]
        rows.append(torch.stack(row, dim=-1))
    table = torch.stack(rows, dim=-2)
    best = table.norm(dim=-1).argmax(dim=-1)
    index = best[..., None, None].expand(*best.shape, 1, 4)
    chosen = table.gather(-2, index).squeeze(-2)
    chosen = chosen / chosen.norm(dim=-1, keepdim=True)
    return torch.where(chosen[..., :1] < 0, -chosen, chosen)


def exp(twists: Tensor) -> Tensor:
    """Return the motions [..., 4, 4] of twists [..., 6]."""
    translation, rotation = twists[..., :3], twists[..., 3:]
    _, b, c = _coefficients((rotation * rotation).sum(-1))
    k = hat(rotation)
    eye = torch.eye(3, dtype=twists.dtype, device=twists.device)
    left_jacobian = eye + b[..., None, None] * k + c[..., None, None] * (k @ k)
    return from_rotation_translation(
        so3_exp(rotation), (left_jacobian @ translation[..., None]).squeeze(-1)
    )


def log(motions: Tensor) -> Tensor:
    """Return the twists [..., 6] of motions [..., 4, 4], of rotation at most pi."""
    rotation = so3_log(motions[..., :3, :3])
    t2 = (rotation * rotation).sum(-1)
    a, b, _ = _coefficients(t2)
    small = t2 < _SMALL_ANGLE**2
    safe = torch.where(small, torch.ones_like(t2), t2)
    d = torch.where(small, 1 / 12 + t2 / 720, (1 - a / (2 * b)) / safe)
    k = hat(rotation)
    eye = torch.eye(3, dtype=motions.dtype, device=motions.device)
    inverse_left_jacobian = eye - 0.5 * k + d[..., None, None] * (k @ k)
    translation = (inverse_left_jacobian @ motions[..., :3, 3:]).squeeze(-1)
    return torch.cat((translation, rotation), dim=-1)


def from_rotation_translation(rotation: Tensor, translation: Tensor) -> Tensor:
    """Return motions [..., 4, 4] of rotations [..., 3, 3] and translations [..., 3]."""
    top = torch.cat((rotation, translation[..., None]), dim=-1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 0, 3] = 1
    return torch.cat((top, bottom), dim=-2)


def inverse(motions: Tensor) -> Tensor:
    """Return the inverse motions [..., 4, 4]."""
    transposed = motions[..., :3, :3].transpose(-1, -2)
    translation = -(transposed @ motions[..., :3, 3:]).squeeze(-1)
    return from_rotation_translation(transposed, translation)


def normalized(motions: Tensor) -> Tensor:
    """Return the motions [..., 4, 4] with rounding errors of long products taken out.

    One step of Newton's iteration for the nearest rotation, which squares the error (N. Higham,
    "Computing the polar decomposition", SIAM J. Sci. Stat. Comput. 7, 1986).
    """
    rotation = motions[..., :3, :3]
    eye = torch.eye(3, dtype=motions.dtype, device=motions.device)
    rotation = 0.5 * rotation @ (3 * eye - rotation.transpose(-1, -2) @ rotation)
    return from_rotation_translation(rotation, motions[..., :3, 3])


def adjoint(motions: Tensor) -> Tensor:
    """Return the adjoints [..., 6, 6]: `T exp(x) T^-1 = exp(adjoint(T) x)`."""
    rotation, translation = motions[..., :3, :3], motions[..., :3, 3]
    top = torch.cat((rotation, hat(translation) @ rotation), dim=-1)
    bottom = torch.cat((torch.zeros_like(rotation), rotation), dim=-1)
    return torch.cat((top, bottom), dim=-2)


def transform(motions: Tensor, points: Tensor) -> Tensor:
    """Move points [..., N, 3] by motions [..., 4, 4]."""
    return points @ motions[..., :3, :3].transpose(-1, -2) + motions[..., None, :3, 3]
