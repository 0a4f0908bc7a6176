"""Faults of single images: exposure, blur, occlusion, noise, compression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.out_of_map.patterns import Image, cells, clouds, text, waves

Rng = np.random.Generator

Effect = Callable[[Image, float], Image]
"""From an image [H, W, 3] and the progress of the fault, 0 to 1, to the faulty image."""
MakeEffect = Callable[[Rng], Effect]
"""Draws the random parameters of a fault, such as a direction, once for all its images."""

_DARK = (28, 22, 20)
_TEXTURES = (cells, clouds, text, waves)


def black() -> MakeEffect:
    """Return black images, as with a capped lens."""
    return lambda rng: lambda image, progress: np.zeros_like(image)


def covered(share: float) -> MakeEffect:
    """Cover this share of the image with a dark area, from one of its four sides."""

    def make(rng: Rng) -> Effect:
        side = int(rng.integers(4))

        def effect(image: Image, progress: float) -> Image:
            result = np.ascontiguousarray(np.rot90(image, side)).copy()
            result[: round(share * len(result))] = _DARK
            return np.ascontiguousarray(np.rot90(result, -side))

        return effect

    return make


def occluder(share: float) -> MakeEffect:
    """Move a textured rectangle of this share of the image sideways across it."""

    def make(rng: Rng) -> Effect:
        draw = _TEXTURES[int(rng.integers(len(_TEXTURES)))]
        seed, to_left, height_at = int(rng.integers(2**31)), bool(rng.integers(2)), rng.random()

        def effect(image: Image, progress: float) -> Image:
            height, width = image.shape[:2]
            h, w = round(np.sqrt(share) * height), round(np.sqrt(share) * width)
            texture = draw(np.random.default_rng(seed), w, h)
            along = 1 - progress if to_left else progress
            left, top = round(along * (width + w)) - w, round(height_at * (height - h))
            result = image.copy()
            begin, end = max(left, 0), min(left + w, width)
            result[top : top + h, begin:end] = texture[:, begin - left : end - left]
            return result

        return effect

    return make


def motion_blur(pixels: int) -> MakeEffect:
    """Blur along a line of this length, in pixels of an image 640 pixels wide."""

    def make(rng: Rng) -> Effect:
        angle = rng.uniform(0, np.pi)

        def effect(image: Image, progress: float) -> Image:
            half = max(pixels * image.shape[1] / 640 / 2, 0.5)
            size = 2 * int(np.ceil(half)) + 1
            centre, reach = size // 2, half * np.array([np.cos(angle), np.sin(angle)])
            kernel = np.zeros((size, size), dtype=np.float32)
            # Sixteen steps per pixel make the line even in every direction.
            for step in np.linspace(-1, 1, 16 * size):
                x, y = np.rint(centre + step * reach).astype(int)
                kernel[y, x] += 1
            return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))

        return effect

    return make


def defocus(radius: float) -> MakeEffect:
    """Blur each point to a disc of this radius, in pixels of an image 640 pixels wide."""

    def effect(image: Image, progress: float) -> Image:
        scaled = radius * image.shape[1] / 640
        reach = int(np.ceil(scaled))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        kernel = (np.hypot(x, y) <= scaled).astype(np.float32)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))

    return lambda rng: effect


def noise(sigma: float) -> MakeEffect:
    """Add white noise of this standard deviation, in grey levels of 255, to each channel."""

    def make(rng: Rng) -> Effect:
        return lambda image, progress: _bytes(image + rng.normal(scale=sigma, size=image.shape))

    return make


def jpeg(quality: int) -> MakeEffect:
    """Compress as JPEG."""

    def effect(image: Image, progress: float) -> Image:
        _, data = cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])

    return lambda rng: effect


def exposure(factor: float) -> MakeEffect:
    """Multiply values by a factor and clip them to 8 bits."""
    return lambda rng: lambda image, progress: _bytes(image * np.float32(factor))


def gamma(exponent: float) -> MakeEffect:
    """Raise values, scaled to 0 to 1, to a power."""
    curve = _bytes(255 * (np.arange(256) / 255) ** exponent)
    return lambda rng: lambda image, progress: curve[image]


def uneven_light(left: float) -> MakeEffect:
    """Dim the image gradually from one side, in a random direction, to this share at the other."""

    def make(rng: Rng) -> Effect:
        angle = rng.uniform(0, 2 * np.pi)

        def effect(image: Image, progress: float) -> Image:
            y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
            along = x * np.cos(angle) + y * np.sin(angle)
            along = (along - along.min()) / (along.max() - along.min())
            smooth = along * along * (3 - 2 * along)
            return _bytes(image * (1 - (1 - left) * smooth)[..., None])

        return effect

    return make


def _bytes(values: NDArray[Any]) -> Image:
    return np.asarray(values.round().clip(0, 255), dtype=np.uint8)
