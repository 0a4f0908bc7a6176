"""Rasterize on the CPU, with the faster of two ways."""

from __future__ import annotations

import threading

import torch
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render._zbuffer_rasterizer import ZBufferRasterizer
from mesh_reloc_ros.render.rasterizer import Fragments
from mesh_reloc_ros.types.camera import Camera

try:
    from mesh_reloc_ros.render._embree_rasterizer import EmbreeRasterizer
except ImportError:
    # There is no wheel of it for arm64.
    _HAS_RAYS = False
else:
    _HAS_RAYS = True

# A ray takes as long as this many faces, or pixels of the image, in the z-buffer.
_FACES_PER_RAY, _PIXELS_PER_RAY = 6, 16


class CpuRasterizer:
    """Fills a z-buffer for many pixels, and casts rays for few pixels of a large mesh."""

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._mesh, self._device = mesh, device
        self._rays = EmbreeRasterizer(mesh, device) if _HAS_RAYS else None
        self._lock = threading.Lock()
        # Made when it is used first: for a large mesh, that takes seconds and may never happen.
        self._zbuffer: ZBufferRasterizer | None = None

    @property
    def name(self) -> str:
        """The backends that may be used."""
        return ZBufferRasterizer.name + (f' and {self._rays.name}' if self._rays else '')

    def rasterize(
        self, map_T_camera: Tensor, camera: Camera, pixels: Tensor | None = None
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        image = camera.width * camera.height
        count = image if pixels is None else pixels.shape[1]
        most = len(self._mesh.faces) / _FACES_PER_RAY + image / _PIXELS_PER_RAY
        rasterizer = self._rays if self._rays and count < most else self._filled()
        return rasterizer.rasterize(map_T_camera, camera, pixels)

    def _filled(self) -> ZBufferRasterizer:
        with self._lock:
            if self._zbuffer is None:
                self._zbuffer = ZBufferRasterizer(self._mesh, self._device)
            return self._zbuffer
