"""Image pyramids by 2x2 averaging, for the live image and for the render alike."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align._image_quality import noise_deviation, usable_pixels
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


class _ImagePyramid(Sequence[ImageLevel]):
    """All levels of an image. Each is made when it is first needed: a GPU makes its own."""

    def __init__(self, full: ImageLevel) -> None:
        self._levels = [full]
        self._count = min(full.image.shape[:2]).bit_length()

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> ImageLevel: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[ImageLevel]: ...

    def __getitem__(self, number: int | slice) -> ImageLevel | Sequence[ImageLevel]:
        if isinstance(number, slice):
            return [self[each] for each in range(self._count)[number]]
        number = range(self._count)[number]
        while len(self._levels) <= number:
            self._levels.append(_halved(self._levels[-1], self._levels[0].camera))
        return self._levels[number]


def image_pyramid(image: NDArray[np.uint8], camera: Camera) -> Sequence[ImageLevel]:
    """Return all levels of an RGB image [H, W, 3], down to one that cannot be halved.

    Level l is [H / 2^l, W / 2^l, 3]; odd rows and columns at the far border are dropped.
    """
    usable, noise = usable_pixels(image), noise_deviation(image)
    return _ImagePyramid(ImageLevel(0, np.ascontiguousarray(image), camera, usable, noise))


def with_usable(pyramid: Sequence[ImageLevel], usable: NDArray[np.uint8]) -> Sequence[ImageLevel]:
    """Return all levels of an image with another mask [H, W] of pixels that carry information."""
    return _ImagePyramid(dataclasses.replace(pyramid[0], usable=usable))


def _halved(finer: ImageLevel, full: Camera) -> ImageLevel:
    number, usable = finer.number + 1, None if finer.usable is None else _halved_mask(finer.usable)
    # The mean of four pixels has half of their noise.
    image, camera, noise = _halved_image(finer.image), full.at_level(number), finer.noise / 2
    return ImageLevel(number, image, camera, usable, noise)


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
        level = _halved_render(level)
        pyramid.append(level)
    return pyramid


def _halved_render(level: RenderLevel) -> RenderLevel:
    nearest = functional.max_pool2d(level.inverse_depth, 2)
    farthest = -functional.max_pool2d(-level.inverse_depth, 2)
    covered = functional.avg_pool2d(level.mask.to(torch.float32), 2) == 1
    return RenderLevel(
        camera=level.camera.at_level(1),
        colour=functional.avg_pool2d(level.colour, 2),
        inverse_depth=functional.avg_pool2d(level.inverse_depth, 2),
        mask=covered & (nearest < DEPTH_JUMP * farthest),
    )
