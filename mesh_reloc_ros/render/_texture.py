"""Textures with mip levels on a device, sampled trilinearly."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.render._prepared_mesh import PreparedMesh


class TextureSet:
    """The textures of a mesh with mip levels on a device."""

    def __init__(self, prepared: PreparedMesh, device: torch.device) -> None:
        self.levels = prepared.levels.shape[1]
        self.texels = torch.from_numpy(prepared.texels).to(device)
        """[T, 3] uint8, of all textures and levels."""
        self.table = torch.from_numpy(prepared.levels).to(device)
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
