"""The photometric residual of surface points against the live image, with its Jacobian.

    residual = alpha * render colour + beta - live image(projection(live_T_keyframe * point))

per channel. The unknowns are a twist that multiplies `live_T_keyframe` from the left (camera frame)
and the exposure: [vx vy vz wx wy wz, alpha_r alpha_g alpha_b, beta_r beta_g beta_b].
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.types import se3

NEAR_M = 1e-2


@dataclass(frozen=True)
class PointTensors:
    """The arrays of `SurfacePoints` as tensors."""

    points: Tensor
    colours: Tensor
    gradients: Tensor
    weights: Tensor


def tensors_of(surface: SurfacePoints) -> PointTensors:
    arrays = (surface.points, surface.colours, surface.gradients, surface.weights)
    return PointTensors(*map(torch.from_numpy, arrays))


@dataclass(frozen=True)
class Samples:
    """The live image at projected points, for B poses and N points."""

    colours: Tensor
    """[B, N, 3], 0 to 1."""
    inside: Tensor
    """[B, N] bool: in front of the camera and inside the image."""
    points: Tensor
    """[B, N, 3], in the live camera's frame."""


def sample_live(surface: SurfacePoints, level: ImageLevel, live_T_keyframe: Tensor) -> Samples:
    """Project points by `live_T_keyframe` [B, 4, 4] into the image, and interpolate bilinearly."""
    points = torch.from_numpy(surface.points)
    moved = se3.transform(live_T_keyframe.to(points.dtype), points)
    in_front = moved[..., 2] > NEAR_M
    safe = torch.where(in_front[..., None], moved, torch.ones_like(moved))
    u, v = level.camera.project(safe).unbind(-1)
    height, width = level.image.shape[:2]
    inside = in_front & (u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)
    (c00, c10, c01, c11), a, b = neighbours(level, u, v)
    top, bottom = torch.lerp(c00, c10, a), torch.lerp(c01, c11, a)
    return Samples(torch.lerp(top, bottom, b) / 255, inside, moved)


def live_gradients(surface: SurfacePoints, level: ImageLevel, live_T_keyframe: Tensor) -> Tensor:
    """Return the slope [B, N, 3, 2] of the live image between the pixels about projected points."""
    points = torch.from_numpy(surface.points)
    moved = se3.transform(live_T_keyframe.to(points.dtype), points)
    safe = torch.where(moved[..., 2:] > NEAR_M, moved, torch.ones_like(moved))
    (c00, c10, c01, c11), a, b = neighbours(level, *level.camera.project(safe).unbind(-1))
    slopes = torch.lerp(c10 - c00, c11 - c01, b), torch.lerp(c01 - c00, c11 - c10, a)
    return torch.stack(slopes, dim=-1) / 255


def neighbours(level: ImageLevel, u: Tensor, v: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
    """Return the four pixels [B, N, 3] about places [B, N], and the place [B, N, 1] among them."""
    height, width = level.image.shape[:2]
    u0 = u.clamp(0, width - 2).floor()
    v0 = v.clamp(0, height - 2).floor()
    index = v0.long() * width + u0.long()
    texels = torch.from_numpy(level.image).reshape(-1, 3)
    places = (index, index + 1, index + width, index + width + 1)
    around = [texels[place].to(u.dtype) for place in places]
    return around, (u - u0)[..., None], (v - v0)[..., None]


def residuals(samples: Samples, surface: SurfacePoints, exposure: Tensor) -> Tensor:
    """Return residuals [B, N, 3] under the exposure [B, 6] (three alphas, three betas)."""
    alpha, beta = exposure[:, None, :3], exposure[:, None, 3:]
    return alpha * torch.from_numpy(surface.colours) + beta - samples.colours


def censored(samples: Samples, errors: Tensor) -> Tensor:
    """Return which of residuals [B, N, 3] are beyond the limit of the image, and say nothing."""
    return (samples.colours > 250 / 255) & (errors > 0)


def jacobian(
    samples: Samples, surface: SurfacePoints, level: ImageLevel, exposure: Tensor
) -> Tensor:
    """Return the Jacobian [B, N, 3, 12] of the residuals in the unknowns, at a zero twist.

    The live image's gradient is taken from the render, times alpha: the two agree where the
    alignment is right, and the render's gradient is free of the noise that is in the residual.
    """
    camera = level.camera
    x, y, z = samples.points.unbind(-1)
    z = torch.where(samples.inside, z, torch.ones_like(z))
    gu, gv = (exposure[:, None, :3, None] * torch.from_numpy(surface.gradients)).unbind(-1)
    # Gradient times the projection's derivative: the residual's change per moved point.
    along_x = -gu * (camera.fx / z)[..., None]
    along_y = -gv * (camera.fy / z)[..., None]
    along_z = -(along_x * (x / z)[..., None] + along_y * (y / z)[..., None])
    x, y, z = x[..., None], y[..., None], z[..., None]
    rotation_x = along_z * y - along_y * z
    rotation_y = along_x * z - along_z * x
    rotation_z = along_y * x - along_x * y
    pose = torch.stack((along_x, along_y, along_z, rotation_x, rotation_y, rotation_z), dim=-1)
    alpha = torch.diag_embed(torch.from_numpy(surface.colours))
    beta = torch.eye(3, dtype=pose.dtype).expand_as(alpha)
    return torch.cat((pose, alpha, beta), dim=-1)
