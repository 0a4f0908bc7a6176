"""Image pyramids by 2x2 averaging, for the live image and for the render alike."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.image_quality import noise_deviation, usable_pixels
from mesh_reloc_ros.kernels.photometric import LiveImage
from mesh_reloc_ros.types.camera import Camera


@dataclass(frozen=True)
class ImageLevel:
    """One pyramid level of the live image: what renders are aligned with."""

    number: int
    """0 is the full image."""
    image: NDArray[np.uint8]
    """[H, W, 3] RGB, in main memory."""
    camera: Camera
    """Of this level."""
    usable: NDArray[np.uint8] | None = None
    """[H, W], 0 where pixels carry no information; None: all do."""
    noise: float = 0.0
    """Standard deviation of its noise, 0 to 1."""

    @functools.cached_property
    def live(self) -> LiveImage:
        """What compiled functions take."""
        camera, usable = self.camera, self.usable
        if usable is None:
            usable = np.empty((0, 0), dtype=np.uint8)
        return LiveImage(self.image, usable, camera.fx, camera.fy, camera.cx, camera.cy)


def image_pyramid(image: NDArray[np.uint8], camera: Camera) -> list[ImageLevel]:
    """Return all levels of an RGB image [H, W, 3], down to one that cannot be halved.

    Level l is [H / 2^l, W / 2^l, 3]; odd rows and columns at the far border are dropped.
    """
    noise = noise_deviation(image)
    levels = [ImageLevel(0, np.ascontiguousarray(image), camera, usable_pixels(image), noise)]
    while min(levels[-1].image.shape[:2]) > 1:
        number, finer = len(levels), levels[-1]
        usable = None if finer.usable is None else _halved_mask(finer.usable)
        level, of_level = _halved_image(finer.image), camera.at_level(number)
        # The mean of four pixels has half of their noise.
        levels.append(ImageLevel(number, level, of_level, usable, noise / 2**number))
    return levels


def with_usable(pyramid: list[ImageLevel], usable: NDArray[np.uint8]) -> list[ImageLevel]:
    """Return all levels of an image with another mask [H, W] of pixels that carry information."""
    levels = []
    for level in pyramid:
        levels.append(dataclasses.replace(level, usable=usable))
        usable = _halved_mask(usable)
    return levels


def _halved_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    halved = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(halved, dtype=np.uint8)


def _halved_mask(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where all four pixels of a mask [H, W] are set."""
    even = mask[: mask.shape[0] // 2 * 2, : mask.shape[1] // 2 * 2]
    return even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]


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
