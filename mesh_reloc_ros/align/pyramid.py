"""Image pyramids by 2x2 averaging, for the live image and for the render alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.types.camera import Camera


def image_pyramid(image: NDArray[np.uint8], last: int, device: torch.device) -> list[Tensor]:
    """Return levels 0 to `last` of an RGB image [H, W, 3], uint8.

    Level l is [H / 2^l, W / 2^l, 3]; odd rows and columns at the far border are dropped.
    """
    if device.type == 'cpu':
        return [torch.from_numpy(level) for level in _pyramid_on_cpu(image, last)]
    level = torch.from_numpy(image).to(device).to(torch.float32).permute(2, 0, 1)[None]
    levels = [level]
    while len(levels) <= last:
        levels.append(functional.avg_pool2d(levels[-1], 2))
    return [level[0].permute(1, 2, 0).round().to(torch.uint8).contiguous() for level in levels]


def _pyramid_on_cpu(image: NDArray[np.uint8], last: int) -> list[NDArray[np.uint8]]:
    levels = [np.ascontiguousarray(image)]
    while len(levels) <= last:
        height, width = levels[-1].shape[0] // 2, levels[-1].shape[1] // 2
        even = levels[-1][: 2 * height, : 2 * width]
        halved = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(halved, dtype=np.uint8))
    return levels


@dataclass(frozen=True)
class RenderLevel:
    """One pyramid level of a batch of B renders."""

    camera: Camera
    colour: Tensor
    """[B, 3, H, W] float32; averages over the mesh where `mask` holds, not to be used elsewhere."""
    inverse_depth: Tensor
    """[B, 1, H, W] float32, 1 / metres."""
    mask: Tensor
    """[B, 1, H, W] bool: this pixel is all mesh, and on one surface."""


# Depths of neighbouring pixels that differ more belong to two surfaces.
DEPTH_JUMP = 1.05


def render_pyramid(colour: Tensor, depth: Tensor, camera: Camera, levels: int) -> list[RenderLevel]:
    """Build the pyramid of renders: colour [B, H, W, 3], depth [B, H, W] with 0 for no mesh.

    Inverse depth is averaged, since it is what is linear in the image on a plane.
    """
    depth = depth[:, None]
    mask = depth > 0
    inverse_depth = torch.where(mask, 1 / depth.clamp(min=1e-6), torch.zeros_like(depth))
    level = RenderLevel(camera, colour.permute(0, 3, 1, 2).contiguous(), inverse_depth, mask)
    pyramid = [level]
    while len(pyramid) < levels:
        level = _halved(level)
        pyramid.append(level)
    return pyramid


def _halved(level: RenderLevel) -> RenderLevel:
    nearest = functional.max_pool2d(level.inverse_depth, 2)
    farthest = -functional.max_pool2d(-level.inverse_depth, 2)
    covered = functional.avg_pool2d(level.mask.to(torch.float32), 2) == 1
    return RenderLevel(
        camera=level.camera.at_level(1),
        colour=functional.avg_pool2d(level.colour, 2),
        inverse_depth=functional.avg_pool2d(level.inverse_depth, 2),
        mask=covered & (nearest < DEPTH_JUMP * farthest),
    )
