"""The textured mesh on a device, ready to be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.mesh import TexturedMesh, load_mesh
from mesh_reloc_ros.scene.rasterizer import Fragments, make_rasterizer
from mesh_reloc_ros.scene.texture import TextureSet


@dataclass(frozen=True)
class Render:
    """A batch of B rendered views. Pixels without mesh are black, with depth 0 and face -1."""

    colour: Tensor
    """[B, H, W, 3] float32, RGB of 0 to 1."""
    depth: Tensor
    """[B, H, W] float32, metres along the camera's z."""
    face: Tensor
    """[B, H, W] int64."""

    @property
    def mask(self) -> Tensor:
        """[B, H, W] bool: where there is mesh."""
        return self.face >= 0


class Scene:
    """A textured mesh with its rasterizer and textures."""

    def __init__(self, mesh: TexturedMesh, device: str = 'auto', rasterizer: str = 'auto') -> None:
        """Put the mesh on a device.

        :param device: `auto`, `cpu` or `cuda`; auto takes the GPU where there is one.
        :param rasterizer: `auto`, `embree` or `pytorch3d`.
        :raises InputError: there is no such device, or the rasterizer is not installed.
        """
        self.mesh = mesh
        self.device = choose_device(device)
        self.rasterizer = make_rasterizer(rasterizer, mesh, self.device)
        self._textures = TextureSet(mesh, self.device)
        self._face_uvs = torch.from_numpy(mesh.uvs[mesh.faces]).to(self.device)
        self._face_materials = torch.from_numpy(mesh.face_materials).to(self.device).long()
        corners = torch.from_numpy(mesh.vertices[mesh.faces])
        cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = cross.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        self.face_normals = (cross / area).to(self.device)
        """[F, 3] float32, unit normals in the map frame."""
        self._texel_density = self._texels_per_area(area[:, 0].to(self.device))

    @classmethod
    def load(cls, path: Path, device: str = 'auto', rasterizer: str = 'auto') -> Scene:
        """Load a mesh file into a scene.

        :raises InputError: as `load_mesh` and the constructor.
        """
        return cls(load_mesh(path), device, rasterizer)

    def render(self, map_T_camera: Tensor, camera: Camera) -> Render:
        """Render from poses [4, 4] or [B, 4, 4], differentiably where they require gradients."""
        poses = map_T_camera.reshape(-1, 4, 4).to(self.device)
        fragments = self.rasterizer.rasterize(poses, camera)
        batch, row, column = (fragments.face >= 0).nonzero(as_tuple=True)
        face = fragments.face[batch, row, column]
        corners = self._face_uvs[face]
        uvs = (fragments.barycentric[batch, row, column][..., None] * corners).sum(1)
        lods = self._lods(poses, camera, fragments, (batch, row, column), face)
        hit = self._textures.sample(uvs, self._face_materials[face], lods)
        colour = torch.zeros((*fragments.face.shape, 3), device=self.device)
        colour = colour.index_put((batch, row, column), hit)
        return Render(colour, fragments.depth, fragments.face)

    def _lods(
        self,
        poses: Tensor,
        camera: Camera,
        fragments: Fragments,
        pixel: tuple[Tensor, Tensor, Tensor],
        face: Tensor,
    ) -> Tensor:
        """Return the mip level [N] at which a texel is as large as the pixel's footprint.

        A pixel on ray r (z = 1) sees the area depth^2 / (fx fy |n . r|) of a surface of normal n.
        """
        batch, row, column = pixel
        with torch.no_grad():
            rays = camera.rays(self.device)[row, column]
            to_camera = poses[:, :3, :3].transpose(-1, -2).to(torch.float32)
            normals = (to_camera[batch] @ self.face_normals[face][..., None]).squeeze(-1)
            cosine = (normals * rays).sum(-1).abs().clamp(min=0.05)
            depth = fragments.depth[pixel]
            area = depth * depth / (camera.fx * camera.fy * cosine)
            return 0.5 * torch.log2((self._texel_density[face] * area).clamp(min=1e-6))

    def _texels_per_area(self, doubled_area: Tensor) -> Tensor:
        """Return texels per square metre of each face [F]."""
        texels = self._face_uvs * self._textures.sizes[self._face_materials][:, None]
        b, c = texels[:, 1] - texels[:, 0], texels[:, 2] - texels[:, 0]
        return (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]).abs() / doubled_area


def choose_device(name: str) -> torch.device:
    """Return the device of `auto`, `cpu` or `cuda`.

    :raises InputError: a GPU is asked for and there is none that PyTorch can use.
    """
    available = torch.cuda.is_available()
    if name == 'cuda' and not available:
        raise InputError(
            'device cuda: PyTorch finds no GPU; use device auto or cpu, or check the driver'
        )
    return torch.device('cuda' if available and name != 'cpu' else 'cpu')
