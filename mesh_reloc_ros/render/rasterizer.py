"""Interface of the rasterizers: face, barycentric coordinates and depth of each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types.camera import Camera


@dataclass(frozen=True)
class Fragments:
    """The surface at pixel centres of B views: [B, H, W], or [B, N] for selected pixels."""

    face: Tensor
    """[B, ...] int64, -1 outside the mesh."""
    barycentric: Tensor
    """[B, ..., 3] float32, perspective-correct weights of the corners of the face."""
    depth: Tensor
    """[B, ...] float32, metres along the z axis of the camera; 0 outside the mesh."""


@dataclass(frozen=True)
class InView:
    """The mesh as seen from B poses: what renders of one view in several sizes share."""

    points: Tensor
    """[B, V, 3], vertices in the frames of the cameras."""
    faces: Tensor
    """[B, K] int64, those that may be in view, in order; then the number of all faces."""


class Rasterizer(Protocol):
    """Finds the nearest face at every pixel. Faces are visible from both sides."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    def rasterize(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        in_view: InView | None = None,
    ) -> Fragments:
        """Rasterize all or selected pixels from poses [B, 4, 4].

        :param pixels: [B, N] int64, row * width + column of each.
        :param in_view: from the same poses, of the same camera or a coarser level of it.

        Barycentrics and depth are differentiable if the poses require gradients.
        """
        ...

    def in_view(self, map_T_camera: Tensor, camera: Camera) -> InView | None:
        """Return what is in view from poses [B, 4, 4]; None if to know it saves nothing."""
        return None


def make_rasterizer(name: str, mesh: TexturedMesh, device: torch.device) -> Rasterizer:
    """Make the rasterizer `auto`, `zbuffer`, `embree` or `pytorch3d` for a mesh.

    Each backend is imported only when selected, so only that one must be installed. Auto is
    pytorch3d on a GPU. On the CPU it is zbuffer, and embree for few pixels where it is installed.

    :raises InputError: the backend is not installed, or cannot run on the device.
    """
    if name == 'auto' and device.type == 'cuda':
        name = 'pytorch3d'
    try:
        if name == 'pytorch3d':
            from mesh_reloc_ros.render._pytorch3d_rasterizer import PyTorch3DRasterizer

            return PyTorch3DRasterizer(mesh, device)
        if name == 'embree':
            from mesh_reloc_ros.render._embree_rasterizer import EmbreeRasterizer

            return EmbreeRasterizer(mesh, device)
    except ImportError as error:
        raise InputError(f'rasterizer {name} is not installed: {error}') from error
    from mesh_reloc_ros.render._cpu_rasterizer import CpuRasterizer
    from mesh_reloc_ros.render._zbuffer_rasterizer import ZBufferRasterizer

    return ZBufferRasterizer(mesh, device) if name == 'zbuffer' else CpuRasterizer(mesh, device)


def intersect(map_T_camera: Tensor, rays: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Intersect rays with the planes of their faces: barycentrics [B, ..., 3] and depth [B, ...].

    Differentiable in the pose. See Moeller and Trumbore, "Fast, minimum storage ray/triangle
    intersection", 1997.

    :param map_T_camera: [B, 4, 4]. :param rays: [B, ..., 3], camera frame, z = 1.
    :param corners: [B, ..., 3, 3], map frame.
    """
    poses = map_T_camera.to(torch.float32)
    views = len(poses), *[1] * (rays.ndim - 2)
    rotation = poses[:, :3, :3].reshape(*views, 3, 3)
    direction, origin = (rotation @ rays[..., None]).squeeze(-1), poses[:, :3, 3].reshape(*views, 3)
    a, b, c = corners.unbind(-2)
    edge_b, edge_c, from_a = b - a, c - a, origin - a
    p = torch.linalg.cross(direction, edge_c)
    q = torch.linalg.cross(from_a, edge_b)
    determinant = (edge_b * p).sum(-1)
    # Rays parallel to the plane: those that hit no face have an arbitrary one.
    determinant = torch.where(determinant == 0, torch.ones_like(determinant), determinant)
    u = (from_a * p).sum(-1) / determinant
    v = (direction * q).sum(-1) / determinant
    return torch.stack((1 - u - v, u, v), dim=-1), (edge_c * q).sum(-1) / determinant
