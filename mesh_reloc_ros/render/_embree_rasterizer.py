"""Rasterize on the CPU by casting one ray per pixel with Embree."""

from __future__ import annotations

import numpy as np
import torch
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import Fragments, InView, Rasterizer, intersect
from mesh_reloc_ros.types.camera import Camera

# Number of rays per call, about one millisecond.
_RAYS = 4096


class EmbreeRasterizer(Rasterizer):
    """The acceleration structure of the mesh, built once; results are moved to `device`."""

    name = 'embree'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        self._scene = rtcore_scene.EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices, mesh.faces)
        # Embree builds the structure at the first ray.
        self._scene.run(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32))
        self._mesh = mesh

    def rasterize(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        in_view: InView | None = None,
    ) -> Fragments:
        """Cast a ray through each pixel centre; see `Rasterizer`."""
        poses = map_T_camera.to('cpu')
        rays = camera.rays().reshape(-1, 3)
        rays = rays.expand(len(poses), -1, 3) if pixels is None else rays[pixels.cpu()]
        face, barycentric, depth = self._cast(poses.detach(), rays)
        if map_T_camera.requires_grad:
            corners = torch.from_numpy(self._mesh.vertices[self._mesh.faces[face.clamp(min=0)]])
            barycentric, depth = intersect(poses, rays, corners)
        depth = torch.where(face >= 0, depth, torch.zeros_like(depth))
        shape = rays.shape[:2] if pixels is not None else (-1, camera.height, camera.width)
        return Fragments(
            face.to(self._device).reshape(shape),
            barycentric.to(self._device).reshape(*shape, 3),
            depth.to(self._device).reshape(shape),
        )

    def _cast(self, poses: Tensor, rays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return face [B, N], barycentrics [B, N, 3] and depth [B, N] of rays [B, N, 3].

        Rays are in the camera frame with z = 1, so the ray parameter is the depth.
        """
        poses = poses.to(torch.float32)
        directions = (rays @ poses[:, :3, :3].transpose(1, 2)).reshape(-1, 3).numpy()
        origins = poses[:, None, :3, 3].expand(rays.shape).reshape(-1, 3).numpy()
        # In chunks, since other Python threads wait during each call.
        parts = [
            self._scene.run(origins[i : i + _RAYS], directions[i : i + _RAYS], output=True)
            for i in range(0, max(len(origins), 1), _RAYS)
        ]
        hit = {
            name: torch.from_numpy(np.concatenate([part[name] for part in parts])).reshape(
                rays.shape[:2]
            )
            for name in ('primID', 'u', 'v', 'tfar')
        }
        u, v = hit['u'], hit['v']
        return hit['primID'].long(), torch.stack((1 - u - v, u, v), dim=-1), hit['tfar']
