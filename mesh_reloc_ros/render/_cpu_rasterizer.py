"""Rasterize on the CPU, with the faster of two ways."""

from __future__ import annotations

import functools
import threading

import torch
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render._zbuffer_rasterizer import ZBufferRasterizer
from mesh_reloc_ros.render.rasterizer import Fragments, InView, Rasterizer
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


class CpuRasterizer(Rasterizer):
    """Fills a z-buffer for many pixels, and casts rays for few pixels of a large mesh.

    Each is made when it is used first: for a large mesh, that takes seconds and may never happen.
    """

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._faces = len(mesh.faces)
        self._lock = threading.Lock()
        self._rays = functools.cache(lambda: EmbreeRasterizer(mesh, device))
        self._zbuffer = functools.cache(lambda: ZBufferRasterizer(mesh, device))

    @property
    def name(self) -> str:
        """The backends that may be used."""
        return ZBufferRasterizer.name + (f' and {EmbreeRasterizer.name}' if _HAS_RAYS else '')

    def rasterize(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        in_view: InView | None = None,
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        image = camera.width * camera.height
        count = image if pixels is None else pixels.shape[1]
        most = self._faces / _FACES_PER_RAY + image / _PIXELS_PER_RAY
        with self._lock:
            chosen = self._rays() if _HAS_RAYS and count < most else self._zbuffer()
        return chosen.rasterize(map_T_camera, camera, pixels)
