"""The photometric residual of surface points against the live image, with its Jacobian.

    residual = alpha * render colour + beta - live image(projection(delta * point))

per channel, with `delta` the motion from the camera that rendered the points to the live camera.
The unknowns are a twist that multiplies `delta` from the left (camera frame) and the exposure:
[vx vy vz wx wy wz, alpha_r alpha_g alpha_b, beta_r beta_g beta_b].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

UNKNOWNS = 12
_NEAR_M = 1e-2


@dataclass(frozen=True)
class Samples:
    """The live image at projected points, for B poses and N points."""

    colours: Tensor
    """[B, N, 3] float32."""
    inside: Tensor
    """[B, N] bool: in front of the camera and inside the image."""
    points: Tensor
    """[B, N, 3] float32, in the live camera's frame."""


def sample_live(delta: Tensor, points: Tensor, image: Tensor, camera: Camera) -> Samples:
    """Project points [B, N, 3] by `delta` [B, 4, 4] into the image [H, W, 3], bilinearly.

    :param image: of 0 to 255, of any type; samples are of 0 to 1.
    """
    moved = se3.transform(delta.to(points.dtype), points)
    in_front = moved[..., 2] > _NEAR_M
    safe = torch.where(in_front[..., None], moved, torch.ones_like(moved))
    u, v = camera.project(safe).unbind(-1)
    height, width = image.shape[:2]
    inside = in_front & (u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)
    u0 = u.clamp(0, width - 2).floor()
    v0 = v.clamp(0, height - 2).floor()
    a, b = (u - u0)[..., None], (v - v0)[..., None]
    index = v0.long() * width + u0.long()
    texels = image.reshape(-1, 3)
    places = (index, index + 1, index + width, index + width + 1)
    c00, c10, c01, c11 = (texels[place].to(points.dtype) for place in places)
    top, bottom = torch.lerp(c00, c10, a), torch.lerp(c01, c11, a)
    return Samples(torch.lerp(top, bottom, b) / 255, inside, moved)


def residuals(samples: Samples, surface: SurfacePoints, exposure: Tensor) -> Tensor:
    """Return residuals [B, N, 3] under the exposure [B, 6] (three alphas, three betas)."""
    alpha, beta = exposure[:, None, :3], exposure[:, None, 3:]
    return alpha * surface.colours + beta - samples.colours


def jacobian(samples: Samples, surface: SurfacePoints, exposure: Tensor, camera: Camera) -> Tensor:
    """Return the Jacobian [B, N, 3, 12] of the residuals in the unknowns, at a zero twist.

    The live image's gradient is taken from the render, times alpha: the two agree where the
    alignment is right, and the render's gradient is free of the noise that is in the residual.
    """
    x, y, z = samples.points.unbind(-1)
    z = torch.where(samples.inside, z, torch.ones_like(z))
    gu, gv = (exposure[:, None, :3, None] * surface.gradients).unbind(-1)
    # Gradient times the projection's derivative: the residual's change per moved point.
    along_x = -gu * (camera.fx / z)[..., None]
    along_y = -gv * (camera.fy / z)[..., None]
    along_z = -(along_x * (x / z)[..., None] + along_y * (y / z)[..., None])
    x, y, z = x[..., None], y[..., None], z[..., None]
    rotation_x = along_z * y - along_y * z
    rotation_y = along_x * z - along_z * x
    rotation_z = along_y * x - along_x * y
    pose = torch.stack((along_x, along_y, along_z, rotation_x, rotation_y, rotation_z), dim=-1)
    alpha = torch.diag_embed(surface.colours)
    beta = torch.eye(3, dtype=pose.dtype, device=pose.device).expand_as(alpha)
    return torch.cat((pose, alpha, beta), dim=-1)
