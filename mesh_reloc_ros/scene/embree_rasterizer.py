"""Rasterizing on CPU by casting one ray per pixel with Embree."""

from __future__ import annotations

import numpy as np
import torch
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from torch import Tensor

from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.mesh import TexturedMesh
from mesh_reloc_ros.scene.rasterizer import Fragments, intersect


class EmbreeRasterizer:
    """Embree's acceleration structure of the mesh, built once; results go to `device`."""

    name = 'embree'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        self._scene = rtcore_scene.EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices, mesh.faces)
        self._corners = torch.from_numpy(mesh.vertices[mesh.faces])

    def rasterize(self, map_T_camera: Tensor, camera: Camera) -> Fragments:
        """Cast a ray through every pixel's centre; see `Rasterizer`."""
        rays = camera.rays()
        views = [self._cast(pose, rays) for pose in map_T_camera.to('cpu')]
        face = torch.stack([view[0] for view in views]).to(self._device)
        barycentric = torch.stack([view[1] for view in views]).to(self._device)
        depth = torch.stack([view[2] for view in views]).to(self._device)
        return Fragments(face, barycentric, depth)

    def _cast(self, map_T_camera: Tensor, rays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        height, width = rays.shape[:2]
        pose = map_T_camera.detach().to(torch.float32)
        directions = (rays.reshape(-1, 3) @ pose[:3, :3].T).contiguous().numpy()
        origins = np.broadcast_to(pose[:3, 3].numpy(), directions.shape).astype(np.float32)
        hit = self._scene.run(origins, directions, output=True)
        face = torch.from_numpy(hit['primID'].astype(np.int64))
        if map_T_camera.requires_grad:
            corners = self._corners[face.clamp(min=0)]
            barycentric, depth = intersect(map_T_camera, rays.reshape(-1, 3), corners)
        else:
            u, v = torch.from_numpy(hit['u']), torch.from_numpy(hit['v'])
            barycentric = torch.stack((1 - u - v, u, v), dim=-1)
            # Rays have z = 1 in the camera's frame, so the ray's parameter is the depth.
            depth = torch.from_numpy(hit['tfar'])
        depth = torch.where(face >= 0, depth, torch.zeros_like(depth))
        return (
            face.reshape(height, width),
            barycentric.reshape(height, width, 3),
            depth.reshape(height, width),
        )
