"""Rasterize on the CPU into a z-buffer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.kernels.rasterization import Hits, RasterizedMesh, View, interpolate, rasterize
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import Fragments, InView, Rasterizer, intersect
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Number of faces that are culled together.
_CLUSTER = 32
# Bits of each coordinate in the order of faces along a space-filling curve.
_BITS = 10


class ZBufferRasterizer(Rasterizer):
    """The faces of a mesh in clusters; a cluster outside the view costs nothing."""

    name = 'zbuffer'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        corners = mesh.vertices[mesh.faces]
        order = _along_curve(corners.mean(1))
        self._mesh = _in_clusters(np.ascontiguousarray(corners[order]), order)

    def rasterize(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        in_view: InView | None = None,
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        poses = map_T_camera.to('cpu')
        shape = (camera.height, camera.width) if pixels is None else pixels.shape[1:]
        if pixels is None:
            pixels = torch.arange(camera.width * camera.height).expand(len(poses), -1)
        pixels = pixels.cpu()
        hits = Hits(
            np.empty(pixels.shape, dtype=np.int32),
            np.empty(pixels.shape, dtype=np.int64),
            np.empty((*pixels.shape, 3), dtype=np.float32),
            np.empty(pixels.shape, dtype=np.float32),
        )
        for number, pose in enumerate(poses.detach().double().numpy()):
            of_view = Hits(*(part[number] for part in hits))
            self._view(pose, camera, pixels[number].numpy(), of_view)
        place, face, barycentric, depth = map(torch.from_numpy, hits)
        if map_T_camera.requires_grad:
            corners = torch.from_numpy(self._mesh.corners)[place.long()]
            barycentric, by_rays = intersect(poses, camera.rays().reshape(-1, 3)[pixels], corners)
            depth = torch.where(place >= 0, by_rays, 0.0)
        return Fragments(
            face.to(self._device).reshape(len(poses), *shape),
            barycentric.to(self._device).reshape(len(poses), *shape, 3),
            depth.to(self._device).reshape(len(poses), *shape),
        )

    def _view(self, pose: Array, camera: Camera, pixels: NDArray[np.int64], hits: Hits) -> None:
        """Fill in what pixels [N] of a view from a pose [4, 4] show."""
        intrinsics = camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy
        view = View(np.linalg.inv(pose), *intrinsics)
        nearest = np.full((camera.height, camera.width), -1, dtype=np.int32)
        rasterize(self._mesh, view, nearest, np.zeros(nearest.shape))
        interpolate(self._mesh, view, pixels, nearest, hits)


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


def _in_clusters(corners: NDArray[np.float32], faces: NDArray[np.int64]) -> RasterizedMesh:
    """Return faces, with corners [F, 3, 3] and numbers [F], in clusters of consecutive ones."""
    count = len(corners)
    begins = np.arange(0, count, _CLUSTER)
    low = np.minimum.reduceat(corners.min(1), begins)
    high = np.maximum.reduceat(corners.max(1), begins)
    centre = 0.5 * (low + high)
    offsets = corners - np.repeat(centre, _CLUSTER, axis=0)[:count, None]
    reach = np.maximum.reduceat(np.linalg.norm(offsets, axis=2).max(1), begins)
    spheres = np.concatenate((centre, reach[:, None] * (1 + 1e-5)), axis=1, dtype=np.float32)
    return RasterizedMesh(corners, faces, np.append(begins, count), spheres)
