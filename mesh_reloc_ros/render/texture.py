"""Textures with mip levels, sampled trilinearly.

All textures and levels are stored in one array of texels, so that one gather operation samples
all materials on any device.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent


class TextureSet:
    """The textures of a mesh with mip levels on a device."""

    def __init__(
        self, mesh: TexturedMesh, device: torch.device, progress: Progress = silent
    ) -> None:
        stage = 'preparing textures'
        sizes = [_level_sizes(texture) for texture in mesh.textures]
        self.levels = max(len(levels) for levels in sizes)
        table = np.zeros((len(sizes), self.levels, 3), dtype=np.int64)
        texels = np.empty((sum(w * h for levels in sizes for w, h in levels), 3), dtype=np.uint8)
        offset = 0
        for number, texture in enumerate(mesh.textures):
            progress(stage, number / len(sizes))
            images = []
            for level, (width, height) in enumerate(sizes[number]):
                table[number, level:] = (offset, width, height)
                images.append(texels[offset : offset + width * height].reshape(height, width, 3))
                offset += width * height
            _fill_levels(texture, _covered_texels(mesh, number), images)
        progress(stage, 1.0)
        self.texels = torch.from_numpy(texels).to(device)
        """[T, 3] uint8, of all textures and levels."""
        self.table = torch.from_numpy(table).to(device)
        """[M, L, 3] int64: first texel, width and height of each texture's levels."""
        self.sizes = self.table[:, 0, 1:].to(torch.float32)
        """[M, 2], width and height of each texture in texels."""

    def sample(self, uvs: Tensor, materials: Tensor, lods: Tensor) -> Tensor:
        """Return colours [N, 3] float32 of 0 to 1, trilinearly interpolated; the texture repeats.

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


def _level_sizes(texture: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return width and height of each mip level, down to one texel."""
    sizes = [(texture.shape[1], texture.shape[0])]
    while max(sizes[-1]) > 1:
        sizes.append((max(sizes[-1][0] // 2, 1), max(sizes[-1][1] // 2, 1)))
    return sizes


def _covered_texels(mesh: TexturedMesh, material: int) -> NDArray[np.bool_]:
    """Return the mask [H, W] of texels that a face uses, without the gaps between charts."""
    covered = np.zeros(mesh.textures[material].shape[:2], dtype=np.bool_)
    if not _mark_texels(mesh.uvs, mesh.faces, mesh.face_materials, material, covered):
        # A repeating texture is not an atlas: all of it is used.
        covered[:] = True
    return covered


@njit(cache=True, nogil=True)
def _mark_texels(uvs: Any, faces: Any, face_materials: Any, material: int, covered: Any) -> bool:
    """Mark the texels [H, W] whose centre lies in a face of the material.

    The texel at the centre of a face is always marked, because a small face may have no other.
    Returns False if a face extends beyond the texture.
    """
    height, width = covered.shape
    one, columns, rows = np.float32(1), np.float32(width), np.float32(height)
    for face in range(len(faces)):
        if face_materials[face] != material:
            continue
        a, b, c = uvs[faces[face, 0]], uvs[faces[face, 1]], uvs[faces[face, 2]]
        if min(a[0], b[0], c[0], a[1], b[1], c[1]) < 0:
            return False
        if max(a[0], b[0], c[0], a[1], b[1], c[1]) > 1:
            return False
        ax, bx, cx = a[0] * columns, b[0] * columns, c[0] * columns
        ay, by, cy = (one - a[1]) * rows, (one - b[1]) * rows, (one - c[1]) * rows
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
                edge_a = sign * ((bx - ax) * (y - ay) - (by - ay) * (x - ax))
                edge_b = sign * ((cx - bx) * (y - by) - (cy - by) * (x - bx))
                edge_c = sign * ((ax - cx) * (y - cy) - (ay - cy) * (x - cx))
                if edge_a >= 0 and edge_b >= 0 and edge_c >= 0:
                    covered[row, column] = True
    return True


def _fill_levels(
    texture: NDArray[np.uint8], covered: NDArray[np.bool_], images: list[NDArray[np.uint8]]
) -> None:
    """Fill the images with the mip levels of the texture, without bleeding into the charts.

    Levels average only covered texels. Other texels are filled from the next coarser level
    (push-pull), so that the colour between charts does not show at their borders.
    """
    images[0][:] = texture
    empty = [~covered]
    weighted: NDArray[np.float32] | None = None
    for image in images[1:]:
        size = (image.shape[1], image.shape[0])
        weighted = (
            _first_halving(texture, covered, size) if weighted is None else _halved(weighted, size)
        )
        empty.append(weighted[..., 3] == 0)
        _divide(weighted, image)
    for image, coarser, holes in zip(images[-2::-1], images[:0:-1], empty[-2::-1], strict=True):
        if holes.any():
            blurred = cv2.resize(coarser, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            cv2.copyTo(blurred.reshape(image.shape), holes.view(np.uint8), image)


def _first_halving(
    texture: NDArray[np.uint8], covered: NDArray[np.bool_], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the first halving as colour times weight, and weight: [H / 2, W / 2, 4].

    Works in bands of rows if possible: a large texture would need gigabytes as floats.
    """
    height, width = covered.shape
    rows = 64 if height % 2 == 0 else height
    halved = np.empty((size[1], size[0], 4), dtype=np.float32)
    for top in range(0, height, rows):
        band = np.empty((min(rows, height - top), width, 4), dtype=np.float32)
        _weigh(texture[top : top + rows], covered[top : top + rows], band)
        to = slice(top // 2, (top + len(band)) // 2) if rows < height else slice(None)
        halved[to] = _halved(band, (size[0], len(halved[to])))
    return halved


def _halved(weighted: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    halved = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    return halved.reshape(size[1], size[0], 4)


@njit(cache=True, nogil=True)
def _weigh(texture: Any, covered: Any, weighted: Any) -> None:
    """Fill `weighted` [H, W, 4] with colour and weight 1 at covered texels, 0 elsewhere."""
    for row in range(covered.shape[0]):
        for column in range(covered.shape[1]):
            weight = np.float32(covered[row, column])
            for channel in range(3):
                weighted[row, column, channel] = texture[row, column, channel] * weight
            weighted[row, column, 3] = weight


@njit(cache=True, nogil=True)
def _divide(weighted: Any, image: Any) -> None:
    """Divide weighted colours by their weights into an image [H, W, 3], rounded; 0 at weight 0."""
    half, least = np.float32(0.5), np.float32(1e-6)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            weight = max(weighted[row, column, 3], least)
            for channel in range(3):
                colour = weighted[row, column, channel] / weight + half
                image[row, column, channel] = np.uint8(colour)
