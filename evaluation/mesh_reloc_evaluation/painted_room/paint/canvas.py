"""Canvases for painters: rectangles of texels with a scale; noise and fonts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from matplotlib import font_manager
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float32]
Mask = NDArray[np.float32] | NDArray[np.bool_]
Colour = tuple[float, float, float]
"""RGB of 0 to 1, as seen on a screen (sRGB)."""


@dataclass(frozen=True)
class Canvas:
    """An empty rectangle, in texels and in metres. x goes right, y goes down."""

    width: int
    height: int
    texels_per_metre: float
    rng: np.random.Generator

    def filled(self, colour: Colour) -> Array:
        """Return an image [H, W, 3] of one colour."""
        return np.tile(rgb(colour), (self.height, self.width, 1))

    def metres(self) -> tuple[Array, Array]:
        """Return x and y of every texel's centre in metres, [H, W] each."""
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        return (x + 0.5) / self.texels_per_metre, (y + 0.5) / self.texels_per_metre

    def around(self, x: float, y: float, reach_x: float, reach_y: float) -> tuple[slice, slice]:
        """Return the rows and columns within a distance of a point, all in metres."""
        rows, columns = (
            slice(*(max(round((at + by) * self.texels_per_metre), 0) for by in (-reach, reach)))
            for at, reach in ((y, reach_y), (x, reach_x))
        )
        return rows, columns

    def noise(self, size_x: float, size_y: float | None = None, octaves: int = 3) -> Array:
        """Return smooth noise [H, W] of about -1 to 1; the largest blobs are `metres` wide."""
        total = np.zeros((self.height, self.width), dtype=np.float32)
        for octave in range(octaves):
            cells_x = self._cells(self.width, size_x, octave)
            cells_y = self._cells(self.height, size_x if size_y is None else size_y, octave)
            grid = self.rng.normal(size=(cells_y, cells_x)).astype(np.float32)
            total += cv2.resize(grid, (self.width, self.height), interpolation=cv2.INTER_CUBIC) / (
                2**octave
            )
        return total / 2

    def _cells(self, texels: int, metres: float, octave: int) -> int:
        cells = texels / self.texels_per_metre / metres * 2**octave
        return int(np.clip(round(cells) + 1, 2, max(texels, 2)))


Pen = ImageDraw.ImageDraw
Painter = Callable[[Canvas], Array]
"""Returns the colours [H, W, 3] of a canvas in even white light."""


def rgb(colour: Sequence[Colour] | Colour) -> Array:
    """Return one colour [3], or several [N, 3]."""
    return np.array(colour, dtype=np.float32)


def blended(below: Array, above: Array | Colour, opacity: Mask) -> Array:
    """Return a colour or image blended over another one by `opacity` [H, W]."""
    alpha: Array = np.asarray(opacity, dtype=np.float32)[..., None]
    return below * (1 - alpha) + np.asarray(above, dtype=np.float32) * alpha


def smooth_step(low: float, high: float, values: Array) -> Array:
    """Return 0 below `low`, 1 above `high`, and a smooth ramp in between."""
    ramp = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)


def shaded(image: Array, amount: Array) -> Array:
    """Lighten (positive) or darken an image [H, W, 3] by a share [H, W] of itself."""
    return image * (1 + amount[..., None])


def drawn(image: Array, draw: Callable[[Pen], None]) -> Array:
    """Return an image with shapes and text, which the function `draw` draws."""
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture, dtype=np.float32) / 255


def ink(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as `drawn` takes it."""
    red, green, blue = (int(255 * channel) for channel in colour)
    return red, green, blue


@lru_cache(maxsize=64)
def font(size: int, family: str = 'DejaVu Sans', weight: str = 'bold') -> ImageFont.FreeTypeFont:
    """Return a font of a height in texels; matplotlib contains the families DejaVu and STIX."""
    properties = font_manager.FontProperties(family=family, weight=weight)
    return ImageFont.truetype(font_manager.findfont(properties), max(size, 4))
