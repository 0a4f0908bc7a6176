"""The pinhole camera of a rectified image."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.device import constant
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.graphs import kept
from mesh_reloc_ros.types import Array

# Width over height of the widest usual image.
_WIDEST = 16 / 9
# A narrow view is so many times longer than across, and spans no more focal lengths than this.
_ELONGATED, _NARROW = 3.0, 0.6


@dataclass(frozen=True)
class Camera:
    """Intrinsics of a rectified image in pixels; pixel (0, 0) is the top-left pixel's centre.

    The camera's frame is the ROS optical frame (REP 103): x right, y down, z forward.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        """Check the intrinsics.

        :raises InputError: a size or focal length is not positive, or a number is not finite.
        """
        if self.width < 1 or self.height < 1:
            raise InputError(f'camera: image size {self.width}x{self.height} is empty')
        if not all(math.isfinite(v) for v in (self.fx, self.fy, self.cx, self.cy)):
            raise InputError('camera: the intrinsics are not finite numbers: calibrate the camera')
        if self.fx <= 0 or self.fy <= 0:
            raise InputError(
                'camera: the focal length is not positive, so the camera is not calibrated:'
                ' run camera_calibration and publish its result as camera_info'
            )

    def at_level(self, level: int) -> Camera:
        """Return the camera of the image after `level` halvings by 2x2 averaging.

        Averaging keeps pixel centres consistent with c' = (c + 0.5) / 2^level - 0.5.
        """
        return _at_level(self, level)

    def coarsest_level(self, shorter_px: int) -> int:
        """Return the coarsest level whose shorter side has at least so many pixels, or 0."""
        level, shorter = 0, min(self.width, self.height)
        while shorter >> (level + 1) >= shorter_px:
            level += 1
        return level

    def resized(self, width: int, height: int) -> Camera:
        """Return the camera of the image stretched to another size.

        The centre of a pixel moves from c to (c + 0.5) scale - 0.5.
        """
        x, y = width / self.width, height / self.height
        return Camera(
            width=width,
            height=height,
            fx=self.fx * x,
            fy=self.fy * y,
            cx=(self.cx + 0.5) * x - 0.5,
            cy=(self.cy + 0.5) * y - 0.5,
        )

    @property
    def span(self) -> float:
        """Width in pixels; of a strip that is wider than 16:9, that of 16:9 with its height.

        How far an image may move is a share of it, as a strip is soon left upwards or downwards.
        """
        return min(self.width, self.height * _WIDEST)

    @property
    def is_narrow(self) -> bool:
        """Whether the view is a narrow strip, which hardly tells turns from shifts across."""
        shorter, longer = sorted((self.width, self.height))
        return longer > _ELONGATED * shorter and self.span < _NARROW * self.fx

    def cropped(self, left: int, top: int, width: int, height: int) -> Camera:
        """Return the camera of a part of the image."""
        return Camera(width, height, self.fx, self.fy, self.cx - left, self.cy - top)

    @property
    def matrix(self) -> Array:
        """The calibration matrix K [3, 3]: camera-frame points to homogeneous pixels."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    def project(self, points: Tensor) -> Tensor:
        """Project camera-frame points [..., 3] in metres to pixels [..., 2]."""
        z = points[..., 2]
        u = self.fx * points[..., 0] / z + self.cx
        v = self.fy * points[..., 1] / z + self.cy
        return torch.stack((u, v), dim=-1)

    def rays(self, device: torch.device | str = 'cpu') -> Tensor:
        """Return a ray per pixel, [H, W, 3] float32 in the camera's frame, with z = 1."""
        return kept(_rays(self, torch.device(device)))


# The same few cameras, one per pyramid level, are asked for with every image.
@functools.lru_cache(maxsize=256)
def _at_level(camera: Camera, level: int) -> Camera:
    scale = 2.0**level
    return Camera(
        width=camera.width >> level,
        height=camera.height >> level,
        fx=camera.fx / scale,
        fy=camera.fy / scale,
        cx=(camera.cx + 0.5) / scale - 0.5,
        cy=(camera.cy + 0.5) / scale - 0.5,
    )


@functools.lru_cache(maxsize=64)
def _rays(camera: Camera, device: torch.device) -> Tensor:
    v, u = torch.meshgrid(
        torch.arange(camera.height, dtype=torch.float64),
        torch.arange(camera.width, dtype=torch.float64),
        indexing='ij',
    )
    rays = torch.stack(
        ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, torch.ones_like(u)), dim=-1
    )
    return constant(rays.to(torch.float32), device)
