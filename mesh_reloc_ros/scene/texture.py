"""Textures with mip levels, sampled trilinearly.

All textures and levels lie in one array of texels, so that one gather serves every material and
moves to any device.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.scene.mesh import TexturedMesh


class TextureSet:
    """The textures of a mesh, with mip levels, on a device."""

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        pyramids = [
            _mip_levels(texture, _covered_texels(mesh, material))
            for material, texture in enumerate(mesh.textures)
        ]
        self.levels = max(len(pyramid) for pyramid in pyramids)
        table = np.zeros((len(pyramids), self.levels, 3), dtype=np.int64)
        offset = 0
        for material, pyramid in enumerate(pyramids):
            for level in range(self.levels):
                image = pyramid[min(level, len(pyramid) - 1)]
                height, width = image.shape[:2]
                table[material, level] = (offset, width, height)
                if level < len(pyramid) - 1:
                    offset += width * height
            offset += pyramid[-1].shape[0] * pyramid[-1].shape[1]
        flat = np.concatenate([image.reshape(-1, 3) for pyramid in pyramids for image in pyramid])
        self.texels = torch.from_numpy(flat).to(device)
        """[T, 3] uint8, of all textures and levels."""
        self.table = torch.from_numpy(table).to(device)
        """[M, L, 3] int64: first texel, width and height of each texture's levels."""
        self.sizes = self.table[:, 0, 1:].to(torch.float32)
        """[M, 2], width and height of each texture in texels."""

    def sample(self, uvs: Tensor, materials: Tensor, lods: Tensor) -> Tensor:
        """Return colours [N, 3] float32 of 0 to 1, trilinearly, repeating beyond 0 to 1.

        :param uvs: [N, 2] float32; the result is differentiable in them.
        :param materials: [N] int64.
        :param lods: [N] float32, mip level; 0 is the texture itself.
        """
        lods = lods.clamp(0, self.levels - 1)
        lower = lods.floor().clamp(max=max(self.levels - 2, 0))
        fraction = (lods - lower)[:, None]
        lower = lower.long()
        upper = (lower + 1).clamp(max=self.levels - 1)
        near = self._bilinear(uvs, self.table[materials, lower])
        far = self._bilinear(uvs, self.table[materials, upper])
        return torch.lerp(near, far, fraction) / 255

    def _bilinear(self, uvs: Tensor, entries: Tensor) -> Tensor:
        offset, width, height = entries.unbind(-1)
        x = uvs[:, 0] * width - 0.5
        y = (1 - uvs[:, 1]) * height - 0.5
        x0, y0 = x.floor(), y.floor()
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        left, top = x0.long().remainder(width), y0.long().remainder(height)
        right, bottom = (left + 1).remainder(width), (top + 1).remainder(height)
        row_top, row_bottom = offset + top * width, offset + bottom * width
        upper = torch.lerp(self._fetch(row_top + left), self._fetch(row_top + right), fx)
        lower = torch.lerp(self._fetch(row_bottom + left), self._fetch(row_bottom + right), fx)
        return torch.lerp(upper, lower, fy)

    def _fetch(self, indices: Tensor) -> Tensor:
        return self.texels[indices].to(torch.float32)


def _covered_texels(mesh: TexturedMesh, material: int) -> NDArray[np.bool_]:
    """Return [H, W]: True where a face uses the texel, not in the empty space between charts."""
    height, width = mesh.textures[material].shape[:2]
    uvs = mesh.uvs[mesh.faces[mesh.face_materials == material]]
    if uvs.size and (uvs.min() < 0 or uvs.max() > 1):
        # A repeating texture is no atlas of charts: all of it is in use.
        return np.ones((height, width), dtype=np.bool_)
    covered = np.zeros((height, width), dtype=np.bool_)
    _mark_texels(np.stack((uvs[..., 0] * width, (1 - uvs[..., 1]) * height), axis=-1), covered)
    return covered


@njit(cache=True, nogil=True)
def _mark_texels(triangles: Any, covered: Any) -> None:
    """Mark the texels [H, W] whose centre lies in one of the triangles [F, 3, 2] (in texels).

    The texel in the middle of a triangle counts in any case: it is all that a small one has.
    """
    height, width = covered.shape
    for i in range(len(triangles)):
        (ax, ay), (bx, by), (cx, cy) = triangles[i]
        x, y = (ax + bx + cx) / 3, (ay + by + cy) / 3
        covered[min(int(y), height - 1), min(int(x), width - 1)] = True
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        sign = 1.0 if area > 0 else -1.0
        left, right = max(int(min(ax, bx, cx)), 0), min(int(max(ax, bx, cx)) + 1, width)
        top, bottom = max(int(min(ay, by, cy)), 0), min(int(max(ay, by, cy)) + 1, height)
        for row in range(top, bottom):
            y = row + 0.5
            for column in range(left, right):
                x = column + 0.5
                a = sign * ((bx - ax) * (y - ay) - (by - ay) * (x - ax))
                b = sign * ((cx - bx) * (y - by) - (cy - by) * (x - bx))
                c = sign * ((ax - cx) * (y - cy) - (ay - cy) * (x - cx))
                if a >= 0 and b >= 0 and c >= 0:
                    covered[row, column] = True


def _mip_levels(texture: NDArray[np.uint8], covered: NDArray[np.bool_]) -> list[NDArray[np.uint8]]:
    """Return the texture and its halvings down to one texel, with nothing bled into the charts.

    Levels are averages over covered texels alone, and what is not covered is filled from the next
    coarser level (push-pull), so that the colour between charts never shows at their borders.
    """
    averages: list[NDArray[np.float32]] = []
    if max(covered.shape) > 1:
        averages.append(_first_halving(texture, covered))
        while max(averages[-1].shape[:2]) > 1:
            averages.append(_halved(averages[-1]))
    images: list[NDArray[np.uint8]] = []
    for weighted in reversed(averages):
        weight = weighted[..., 3:]
        image = (weighted[..., :3] / np.maximum(weight, 1e-6) + 0.5).astype(np.uint8)
        images.append(_filled(image, weight[..., 0] > 0, images[-1] if images else None))
    images.append(_filled(texture, covered, images[-1] if images else None))
    return images[::-1]


def _first_halving(texture: NDArray[np.uint8], covered: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return colour times weight, and weight, [H / 2, W / 2, 4].

    Goes by bands of rows where it can: as floats, a large texture would take gigabytes.
    """
    height = covered.shape[0]
    rows = 256 if height % 2 == 0 else height
    bands = []
    for top in range(0, height, rows):
        weight = covered[top : top + rows, :, None].astype(np.float32)
        bands.append(_halved(np.dstack((texture[top : top + rows] * weight, weight))))
    return np.concatenate(bands)


def _halved(weighted: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (max(weighted.shape[1] // 2, 1), max(weighted.shape[0] // 2, 1))
    halved = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    return halved.reshape(size[1], size[0], 4)


def _filled(
    image: NDArray[np.uint8], covered: NDArray[np.bool_], coarser: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """Return the image with what is not covered taken from the coarser level."""
    if coarser is None or covered.all():
        return image
    size = (image.shape[1], image.shape[0])
    blurred = cv2.resize(coarser, size, interpolation=cv2.INTER_LINEAR).reshape(image.shape)
    return np.where(covered[..., None], image, blurred)
