"""Textures with mip levels, sampled trilinearly.

All textures and levels are stored in one array of texels, so that one gather operation samples
all materials on any device.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.kernels.texture import divide, mark_texels, weigh
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.process import in_threads
from mesh_reloc_ros.progress import Progress, silent


class TextureSet:
    """The textures of a mesh with mip levels on a device."""

    def __init__(
        self, mesh: TexturedMesh, device: torch.device, progress: Progress = silent
    ) -> None:
        """Take the textures over: those of the mesh become the first levels, filled between charts.

        :param mesh: its `textures` are replaced.
        """
        stage = 'preparing textures'
        sizes = [_level_sizes(texture) for texture in mesh.textures]
        self.levels = max(len(levels) for levels in sizes)
        table = np.zeros((len(sizes), self.levels, 3), dtype=np.int64)
        texels = np.empty((sum(w * h for levels in sizes for w, h in levels), 3), dtype=np.uint8)
        offset = 0
        levels: list[list[NDArray[np.uint8]]] = []
        for number, of_texture in enumerate(sizes):
            levels.append([])
            for level, (width, height) in enumerate(of_texture):
                table[number, level:] = (offset, width, height)
                image = texels[offset : offset + width * height].reshape(height, width, 3)
                levels[number].append(image)
                offset += width * height

        def fill(number: int) -> None:
            _fill_levels(mesh.textures[number], _covered_texels(mesh, number), levels[number])
            # What is in the texels need not be in memory twice.
            shown = levels[number][0]
            mesh.textures[number] = shown if device.type == 'cpu' else shown.copy()

        progress(stage, 0.0)
        for done, _ in enumerate(in_threads(fill, range(len(sizes))), start=1):
            progress(stage, done / len(sizes))
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
    if not mesh.is_atlas or not mark_texels(
        mesh.uvs, mesh.faces, mesh.face_materials, material, covered
    ):
        # A repeating texture is not an atlas, either: all of it is used.
        covered[:] = True
    return covered


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
        divide(weighted, image)
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
        weigh(texture[top : top + rows], covered[top : top + rows], band)
        to = slice(top // 2, (top + len(band)) // 2) if rows < height else slice(None)
        halved[to] = _halved(band, (size[0], len(halved[to])))
    return halved


def _halved(weighted: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    halved = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    return halved.reshape(size[1], size[0], 4)
