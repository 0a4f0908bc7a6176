"""Rasterize with PyTorch3D: on a GPU, or slowly on the CPU.

The axes, normalized device coordinates and half-pixel convention of PyTorch3D stay in this module.
"""

from __future__ import annotations

import torch
from pytorch3d.renderer.mesh import rasterize_meshes
from pytorch3d.structures import Meshes
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import Fragments, intersect
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

_NEAR_M = 1e-3
_BIN_TABLE_BYTES = 1 << 29


class PyTorch3DRasterizer:
    """The mesh on a device, rasterized with one face per pixel."""

    name = 'pytorch3d'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        self._vertices = torch.from_numpy(mesh.vertices).to(device)
        self._faces = torch.from_numpy(mesh.faces).to(device=device, dtype=torch.int64)

    def rasterize(
        self, map_T_camera: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        fragments = self._rasterize(map_T_camera, camera)
        if pixels is None:
            return fragments
        return Fragments(
            fragments.face.flatten(1).gather(1, pixels),
            fragments.barycentric.flatten(1, 2).gather(1, pixels[..., None].expand(-1, -1, 3)),
            fragments.depth.flatten(1).gather(1, pixels),
        )

    def _rasterize(self, map_T_camera: Tensor, camera: Camera) -> Fragments:
        poses = map_T_camera.to(device=self._device, dtype=torch.float32)
        points = se3.transform(se3.inverse(poses), self._vertices)
        batch = len(poses)
        screen = self._to_ndc(points, camera)
        meshes = Meshes(verts=screen, faces=self._faces.expand(batch, -1, -1))
        face, depth, barycentric, _ = rasterize_meshes(
            meshes,
            image_size=(camera.height, camera.width),
            faces_per_pixel=1,
            perspective_correct=True,
            z_clip_value=_NEAR_M,
            cull_backfaces=False,
            **self._binning(batch, camera),
        )
        face = face[..., 0]
        hit = face >= 0
        # Face indices continue over the batch; each view contains all faces.
        face = torch.where(hit, face.remainder(len(self._faces)), face)
        depth = torch.where(hit, depth[..., 0], torch.zeros_like(depth[..., 0]))
        fragments = Fragments(face, barycentric[..., 0, :], depth)
        if not poses.requires_grad:
            return fragments
        crossing = (points[..., 2] < _NEAR_M)[:, self._faces].any(-1)
        return self._with_crossing_faces(fragments, crossing, poses, camera)

    def _with_crossing_faces(
        self, fragments: Fragments, crossing: Tensor, poses: Tensor, camera: Camera
    ) -> Fragments:
        """Recompute the fragments of faces that extend behind the camera.

        PyTorch3D clips those faces, and its gradient through the clipping is wrong.

        :param crossing: [B, F] bool, mask of these faces.
        """
        barycentric, depth = fragments.barycentric, fragments.depth
        for view in range(len(poses)):
            face = fragments.face[view]
            row, column = ((face >= 0) & crossing[view][face.clamp(min=0)]).nonzero(as_tuple=True)
            rays = camera.rays(self._device)[row, column]
            corners = self._vertices[self._faces[face[row, column]]]
            weights, distance = intersect(poses[view], rays, corners)
            pixel = (torch.full_like(row, view), row, column)
            barycentric = barycentric.index_put(pixel, weights)
            depth = depth.index_put(pixel, distance)
        return Fragments(fragments.face, barycentric, depth)

    def _to_ndc(self, points: Tensor, camera: Camera) -> Tensor:
        """Convert camera-frame points to x, y in the NDC of PyTorch3D and z in metres, [B, V, 3].

        In NDC x points left and y up, the shorter image side spans -1 to 1, and pixel centres lie
        half a pixel inside the border.
        """
        x, y, z = points.unbind(-1)
        # Clipping at the near plane reverts this division; it only has to avoid zero.
        z = torch.where(z.abs() < _NEAR_M / 10, torch.full_like(z, _NEAR_M / 10), z)
        u = camera.fx * x / z + camera.cx
        v = camera.fy * y / z + camera.cy
        shorter = min(camera.width, camera.height)
        x_ndc = (camera.width - 2 * (u + 0.5)) / shorter
        y_ndc = (camera.height - 2 * (v + 0.5)) / shorter
        return torch.stack((x_ndc, y_ndc, z), dim=-1)

    def _binning(self, batch: int, camera: Camera) -> dict[str, int]:
        """Choose bins that can hold every face: PyTorch3D silently drops faces from full bins."""
        if self._device.type != 'cuda':
            return {'bin_size': 0}
        longer = max(camera.width, camera.height)
        for bin_size in (32, 64, 128):
            bins = -(-longer // bin_size)
            # PyTorch3D allows at most 22 bins per side.
            if bins < 22 and batch * bins**2 * len(self._faces) * 4 <= _BIN_TABLE_BYTES:
                return {'bin_size': bin_size, 'max_faces_per_bin': len(self._faces)}
        return {'bin_size': 0}
