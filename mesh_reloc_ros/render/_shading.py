"""Shade fragments: sample the texture at the mip level of the footprint of each pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.kernels.shading import MIN_COSINE, ShadedMesh, shade
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render._prepared_mesh import PreparedMesh
from mesh_reloc_ros.render._texture import TextureSet
from mesh_reloc_ros.render.rasterizer import Fragments
from mesh_reloc_ros.types.camera import Camera


class Shader:
    """Textures and face data of a mesh on a device."""

    def __init__(self, mesh: TexturedMesh, prepared: PreparedMesh, device: torch.device) -> None:
        self._textures = TextureSet(prepared, device)
        self._face_uvs = torch.from_numpy(mesh.uvs[mesh.faces]).to(device)
        self._face_materials = torch.from_numpy(mesh.face_materials).to(device).long()
        self.face_normals = torch.from_numpy(prepared.face_normals).to(device)
        """[F, 3] float32, unit normals in the map frame."""
        self.texel_density = torch.from_numpy(prepared.texel_density).to(device)
        """[F] float32, texels per square metre."""

    def shade(
        self, fragments: Fragments, poses: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Tensor:
        """Return colours [B, ..., 3] float32 of 0 to 1, black outside the mesh.

        Uses compiled code on the CPU, and tensor operations on a GPU or for gradients.

        :param poses: [B, 4, 4] map_T_camera. :param pixels: the selected pixels if fragments are
            [B, N]; see `Rasterizer`.
        """
        if fragments.face.device.type == 'cpu' and not fragments.barycentric.requires_grad:
            return self._shade_on_cpu(fragments, poses, camera, pixels)
        return self.shade_by_tensors(fragments, poses, camera, pixels)

    def shade_by_tensors(
        self, fragments: Fragments, poses: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Tensor:
        """Shade with tensor operations: on any device, differentiable."""
        # Every pixel is shaded: a graph of the GPU cannot pick those that show mesh.
        face = fragments.face.clamp(min=0)
        uvs = (fragments.barycentric[..., None] * self._face_uvs[face]).sum(-2)
        rays = camera.rays(face.device)
        rays = rays.expand(len(poses), -1, -1, 3) if pixels is None else rays.flatten(0, 1)[pixels]
        lods = self._lods(face, fragments.depth.detach(), rays, poses, camera)
        materials = self._face_materials[face]
        texels = self._textures.sample(uvs.flatten(0, -2), materials.flatten(), lods.flatten())
        hit = (fragments.face >= 0)[..., None]
        return torch.where(hit, texels.unflatten(0, face.shape), 0.0)

    def _shade_on_cpu(
        self, fragments: Fragments, poses: Tensor, camera: Camera, pixels: Tensor | None
    ) -> Tensor:
        colour = torch.zeros((*fragments.face.shape, 3))
        if pixels is None:
            pixels = torch.arange(camera.width * camera.height).expand(len(poses), -1)
        mesh = ShadedMesh(
            self._face_uvs.numpy(),
            self._face_materials.numpy(),
            self.face_normals.numpy(),
            self.texel_density.numpy(),
            self._textures.texels.numpy(),
            self._textures.table.numpy(),
        )
        for number, pose in enumerate(poses.detach()):
            shade(
                mesh,
                pose[:3, :3].double().contiguous().numpy(),
                (camera.width, camera.fx, camera.fy, camera.cx, camera.cy),
                pixels[number].numpy(),
                fragments.face[number].reshape(-1).numpy(),
                fragments.barycentric[number].reshape(-1, 3).numpy(),
                fragments.depth[number].reshape(-1).numpy(),
                colour[number].view(-1, 3).numpy(),
            )
        return colour

    def _lods(
        self, face: Tensor, depth: Tensor, rays: Tensor, poses: Tensor, camera: Camera
    ) -> Tensor:
        """Return the mip level [B, ...] at which a texel has the size of the pixel footprint.

        The footprint on a surface with normal n along ray r (z = 1) is depth^2 / (fx fy |n . r|).

        :param rays: [B, ..., 3], camera frame. :param poses: [B, 4, 4].
        """
        with torch.no_grad():
            rotation = poses[:, :3, :3].to(torch.float32)
            rotation = rotation.reshape(len(poses), *[1] * (rays.ndim - 2), 3, 3)
            along = (rotation @ rays[..., None]).squeeze(-1)
            cosine = (self.face_normals[face] * along).sum(-1).abs().clamp(min=MIN_COSINE)
            area = depth.square() / (camera.fx * camera.fy * cosine)
            return 0.5 * torch.log2((self.texel_density[face] * area).clamp(min=1e-6))
