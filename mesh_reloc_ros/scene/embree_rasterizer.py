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

# So many rays at a time: about a millisecond's.
_RAYS = 4096


class EmbreeRasterizer:
    """Embree's acceleration structure of the mesh, built once; results go to `device`."""

    name = 'embree'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        self._scene = rtcore_scene.EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices, mesh.faces)
        # Embree puts its structure off until the first ray.
        self._scene.run(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32))
        self._corners = torch.from_numpy(mesh.vertices[mesh.faces])

    def rasterize(
        self, map_T_camera: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Fragments:
        """Cast a ray through the pixels' centres; see `Rasterizer`."""
        rays = camera.rays().reshape(-1, 3)
        shape = (camera.height, camera.width) if pixels is None else (-1,)
        views = [
            self._cast(pose, rays if pixels is None else rays[pixels[view].cpu()])
            for view, pose in enumerate(map_T_camera.to('cpu'))
        ]
        face, barycentric, depth = (
            torch.stack(parts).to(self._device) for parts in zip(*views, strict=True)
        )
        return Fragments(
            face.reshape(len(views), *shape),
            barycentric.reshape(len(views), *shape, 3),
            depth.reshape(len(views), *shape),
        )

    def _cast(self, map_T_camera: Tensor, rays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return face [N], barycentrics [N, 3] and depth [N] of rays [N, 3] in the camera's frame.

        Rays have z = 1, so that a ray's parameter is the depth.
        """
        pose = map_T_camera.detach().to(torch.float32)
        directions = (rays @ pose[:3, :3].T).numpy()
        origins = np.broadcast_to(pose[:3, 3].numpy(), directions.shape).astype(np.float32)
        # In parts, as other threads of Python wait for each of them.
        parts = [
            self._scene.run(origins[i : i + _RAYS], directions[i : i + _RAYS], output=True)
            for i in range(0, max(len(rays), 1), _RAYS)
        ]
        hit = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        face = torch.from_numpy(hit['primID'].astype(np.int64))
        if map_T_camera.requires_grad:
            corners = self._corners[face.clamp(min=0)]
            barycentric, depth = intersect(map_T_camera, rays, corners)
        else:
            u, v = torch.from_numpy(hit['u']), torch.from_numpy(hit['v'])
            barycentric = torch.stack((1 - u - v, u, v), dim=-1)
            depth = torch.from_numpy(hit['tfar'])
        return face, barycentric, torch.where(face >= 0, depth, torch.zeros_like(depth))
