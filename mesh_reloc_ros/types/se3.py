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


def transform(motions: Tensor, points: Tensor) -> Tensor:
    """Move points [..., N, 3] by motions [..., 4, 4]."""
    return points @ motions[..., :3, :3].transpose(-1, -2) + motions[..., None, :3, 3]
