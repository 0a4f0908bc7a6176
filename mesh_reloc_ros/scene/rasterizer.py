"""The one interface of both rasterizers: which face, where on it, and how deep, per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.mesh import TexturedMesh


@dataclass(frozen=True)
class Fragments:
    """What each pixel's centre sees, for a batch of B views."""

    face: Tensor
    """[B, H, W] int64, -1 where there is no mesh."""
    barycentric: Tensor
    """[B, H, W, 3] float32, perspective-correct weights of the face's corners."""
    depth: Tensor
    """[B, H, W] float32, metres along the camera's z; 0 where there is no mesh."""


class Rasterizer(Protocol):
    """Finds the nearest face behind every pixel. Faces are seen from both sides."""

    name: str

    def rasterize(self, map_T_camera: Tensor, camera: Camera) -> Fragments:
        """Rasterize from poses [B, 4, 4].

        Where the poses require gradients, barycentrics and depth are differentiable in them.
        """
        ...


def make_rasterizer(name: str, mesh: TexturedMesh, device: torch.device) -> Rasterizer:
    """Return the rasterizer `auto`, `embree` or `pytorch3d` for a mesh.

    Each backend is imported only when chosen, so that a machine needs only the one it uses.

    :raises InputError: the backend is not installed, or cannot run on the device.
    """
    if name == 'auto':
        name = 'pytorch3d' if device.type == 'cuda' else 'embree'
    try:
        if name == 'pytorch3d':
            from mesh_reloc_ros.scene.pytorch3d_rasterizer import PyTorch3DRasterizer

            return PyTorch3DRasterizer(mesh, device)
        from mesh_reloc_ros.scene.embree_rasterizer import EmbreeRasterizer
    except ImportError as error:
        raise InputError(f'rasterizer {name} is not installed: {error}') from error
    return EmbreeRasterizer(mesh, device)
