"""Rasterize on the CPU into a z-buffer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.kernels.rasterization import RasterizedMesh, View, interpolate, rasterize
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import Fragments, intersect
from mesh_reloc_ros.types.camera import Camera

# Number of faces that are culled together.
_CLUSTER = 32
# Bits of each coordinate in the order of faces along a space-filling curve.
_BITS = 10


class ZBufferRasterizer:
    """The faces of a mesh in clusters; a cluster outside the view costs nothing."""

    name = 'zbuffer'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        corners = mesh.vertices[mesh.faces]
        self._order = _along_curve(corners.mean(1))
        """[F], places of `_mesh.corners` to faces of the mesh."""
        self._mesh = _in_clusters(np.ascontiguousarray(corners[self._order]))

    def rasterize(
        self, map_T_camera: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        poses = map_T_camera.to('cpu')
        shape = (camera.height, camera.width) if pixels is None else pixels.shape[1:]
        if pixels is None:
            pixels = torch.arange(camera.width * camera.height).expand(len(poses), -1)
        pixels = pixels.cpu()
        views = [self._view(pose, camera, each) for pose, each in zip(poses, pixels, strict=True)]
        face, barycentric, depth = (torch.stack(parts) for parts in zip(*views, strict=True))
        return Fragments(
            face.to(self._device).reshape(len(poses), *shape),
            barycentric.to(self._device).reshape(len(poses), *shape, 3),
            depth.to(self._device).reshape(len(poses), *shape),
        )

    def _view(self, pose: Tensor, camera: Camera, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return face [N], barycentrics [N, 3] and depth [N] at pixels [N] from a pose [4, 4]."""
        view = View(
            np.linalg.inv(pose.detach().double().numpy()),
            camera.width,
            camera.height,
            camera.fx,
            camera.fy,
            camera.cx,
            camera.cy,
        )
        nearest = np.full((camera.height, camera.width), -1, dtype=np.int32)
        rasterize(self._mesh, view, nearest, np.zeros(nearest.shape))
        place = nearest.ravel()[pixels.numpy()]
        barycentric = np.empty((len(place), 3), dtype=np.float32)
        depth = np.empty(len(place), dtype=np.float32)
        interpolate(self._mesh, view, pixels.numpy(), place, barycentric, depth)
        face = np.where(place < 0, -1, self._order[place])
        if not pose.requires_grad:
            return torch.from_numpy(face), torch.from_numpy(barycentric), torch.from_numpy(depth)
        corners = torch.from_numpy(self._mesh.corners[place])
        by_rays = intersect(pose, camera.rays().reshape(-1, 3)[pixels], corners)
        hit = torch.from_numpy(place >= 0)
        return torch.from_numpy(face), by_rays[0], torch.where(hit, by_rays[1], 0.0)


def _along_curve(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the order of points [N, 3] along a space-filling curve (Morton's)."""
    low = points.min(0)
    extent = max(float((points.max(0) - low).max()), 1e-9)
    cells = ((points - low) * ((1 << _BITS) - 1) / extent).astype(np.int64)
    numbers = np.arange(1 << _BITS)
    # Two zeros between the bits of each.
    spread = np.sum([(numbers >> bit & 1) << 3 * bit for bit in range(_BITS)], axis=0)
    codes = spread[cells] << np.arange(3)
    return np.argsort(codes.sum(1), kind='stable')


def _in_clusters(corners: NDArray[np.float32]) -> RasterizedMesh:
    """Return faces [F, 3, 3] in clusters of consecutive ones."""
    count = len(corners)
    begins = np.arange(0, count, _CLUSTER)
    low = np.minimum.reduceat(corners.min(1), begins)
    high = np.maximum.reduceat(corners.max(1), begins)
    centre = 0.5 * (low + high)
    offsets = corners - np.repeat(centre, _CLUSTER, axis=0)[:count, None]
    reach = np.maximum.reduceat(np.linalg.norm(offsets, axis=2).max(1), begins)
    spheres = np.concatenate((centre, reach[:, None] * (1 + 1e-5)), axis=1, dtype=np.float32)
    return RasterizedMesh(corners, np.append(begins, count), spheres)
