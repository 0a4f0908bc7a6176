"""Texture atlases: one texture per material, with one chart per patch."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.paint.canvas import Array, Canvas
from mesh_reloc_evaluation.painted_room.patches import Patch

GUTTER = 6
"""Width in texels of the repeated border around a chart: coarse mip levels do not mix charts."""


@dataclass(frozen=True)
class Chart:
    """The rectangle of a patch in its atlas, in texels."""

    patch: Patch
    left: int
    top: int
    width: int
    height: int

    def paint(self) -> Array:
        """Return the colours of the patch [height, width, 3], the same in every run."""
        seed = zlib.crc32(f'{self.patch.material.atlas_name} {self.left} {self.top}'.encode())
        rng = np.random.default_rng(seed)
        canvas = Canvas(self.width, self.height, self.patch.material.texels_per_metre, rng)
        return self.patch.material.paint(canvas).astype(np.float32)


@dataclass(frozen=True)
class Atlas:
    """The size of a texture, and its charts."""

    name: str
    width: int
    height: int
    charts: list[Chart]

    def assemble(self, pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return the texture [height, width, 3], with one picture per chart."""
        texture = np.full((self.height, self.width, 3), 90, dtype=np.uint8)
        for chart, picture in zip(self.charts, pictures, strict=True):
            padded = cv2.copyMakeBorder(picture, *[GUTTER] * 4, cv2.BORDER_REPLICATE)
            top, left = chart.top - GUTTER, chart.left - GUTTER
            texture[top : top + padded.shape[0], left : left + padded.shape[1]] = padded
        return texture


def pack(patches: list[Patch]) -> list[Atlas]:
    """Return atlases with all patches, packed row by row, the tallest first."""
    return [
        _packed(name, [patch for patch in patches if patch.material.atlas_name == name])
        for name in dict.fromkeys(patch.material.atlas_name for patch in patches)
    ]


def _packed(name: str, patches: list[Patch]) -> Atlas:
    sizes = {
        number: tuple(
            max(4, round(length * patch.material.texels_per_metre))
            for length in (patch.width, patch.height)
        )
        for number, patch in enumerate(patches)
    }
    area = sum((w + 2 * GUTTER) * (h + 2 * GUTTER) for w, h in sizes.values())
    widest = max(w for w, _ in sizes.values()) + 2 * GUTTER
    total_width = max(widest, min(1600, math.ceil(math.sqrt(area) * 1.05)))
    charts: dict[int, Chart] = {}
    x, y, row_height = 0, 0, 0
    for number in sorted(sizes, key=lambda n: -sizes[n][1]):
        width, height = sizes[number]
        if x + width + 2 * GUTTER > total_width:
            x, y, row_height = 0, y + row_height, 0
        charts[number] = Chart(patches[number], x + GUTTER, y + GUTTER, width, height)
        x += width + 2 * GUTTER
        row_height = max(row_height, height + 2 * GUTTER)
    ordered = [charts[number] for number in range(len(patches))]
    return Atlas(name, total_width, y + row_height, ordered)
