"""The method that is compared with: Adam through PyTorch3D's renderer, image by image.

At most 300 steps on the pose (exponential map, translation) and on brightness and contrast. Every
step renders the whole image with PyTorch3D's own cameras, rasterizer, textures and shader under
ambient light, all with their defaults, and differentiates the squared difference, clipped at 0.2,
over the mesh. The steps end early where the loss has not decreased for a while.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch3d.renderer import (
    AmbientLights,
    MeshRasterizer,
    MeshRenderer,
    RasterizationSettings,
    SoftPhongShader,
    TexturesUV,
)
from pytorch3d.structures import Meshes, join_meshes_as_scene
from pytorch3d.transforms import so3_exp_map
from pytorch3d.utils import cameras_from_opencv_projection
from torch import Tensor

from mesh_reloc_ros.config.alignment import AdamSettings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

_NEAR_M = 1e-2


class AdamThroughPyTorch3D:
    """A mesh on a device, ready to align images of one camera."""

    def __init__(self, mesh: TexturedMesh, camera: Camera, device: torch.device) -> None:
        self._device = device
        self._camera = camera
        self._mesh = join_meshes_as_scene(_parts(mesh, device))
        size = camera.height, camera.width
        # Without a near plane, faces that reach behind the camera are left out.
        settings = RasterizationSettings(image_size=size, z_clip_value=_NEAR_M)
        self._rasterizer = MeshRasterizer(raster_settings=settings)
        lights = AmbientLights(device=device)
        self._renderer = MeshRenderer(
            self._rasterizer, SoftPhongShader(device=device, lights=lights)
        )

    def align(
        self, image: NDArray[np.uint8], map_T_camera: Array, settings: AdamSettings
    ) -> tuple[Array, int]:
        """Return the pose [4, 4] of an image [H, W, 3], from a pose nearby, and the steps taken."""
        target = torch.from_numpy(image).to(self._device).float() / 255
        start = torch.from_numpy(np.linalg.inv(map_T_camera)).float().to(self._device)
        unknowns = [
            torch.zeros(size, device=self._device, requires_grad=True) for size in (3, 3, 1, 1)
        ]
        optimizer = torch.optim.Adam(unknowns, lr=settings.learning_rate)
        best_loss, best_step, best = float('inf'), 0, start
        for step in range(settings.iterations):
            turn, shift, contrast, brightness = unknowns
            rotation = so3_exp_map(turn[None])[0] @ start[:3, :3]
            translation = start[:3, 3] + shift
            rendered = self._render(rotation, translation)
            mask = (rendered[..., 3] > 0).float()
            exposed = (1 + contrast) * rendered[..., :3] + brightness
            squared = (exposed - target).square().clamp(max=settings.clip**2).mean(-1)
            loss = (squared * mask).sum() / mask.sum().clamp(min=1)
            value = float(loss.detach())
            if value < best_loss - settings.min_gain:
                best_step = step
            if value < best_loss:
                best_loss, best = value, torch.eye(4, device=self._device)
                best[:3, :3], best[:3, 3] = rotation.detach(), translation.detach()
            if step - best_step >= settings.patience:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return np.linalg.inv(best.double().cpu().numpy()), step + 1

    def _render(self, rotation: Tensor, translation: Tensor) -> Tensor:
        """Return the render [H, W, 4] from camera_T_map."""
        camera = self._camera
        matrix = torch.from_numpy(camera.matrix).float().to(self._device)[None]
        size = torch.tensor([[camera.height, camera.width]], device=self._device)
        cameras = cameras_from_opencv_projection(rotation[None], translation[None], matrix, size)
        return self._renderer(self._mesh, cameras=cameras)[0]


def _parts(mesh: TexturedMesh, device: torch.device) -> list[Meshes]:
    """Return the faces of each texture: PyTorch3D's textures are one image each."""
    parts = []
    for number, texture in enumerate(mesh.textures):
        faces = torch.from_numpy(mesh.faces[mesh.face_materials == number]).long().to(device)
        if not len(faces):
            continue
        image = torch.from_numpy(texture).float().to(device)[None] / 255
        uvs = torch.from_numpy(mesh.uvs).to(device)[None]
        textures = TexturesUV(image, faces_uvs=faces[None], verts_uvs=uvs)
        parts.append(Meshes([torch.from_numpy(mesh.vertices).to(device)], [faces], textures))
    return parts
