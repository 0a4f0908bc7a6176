"""The textured mesh on a device, ready to render."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.graphs import Offload, Repeater, is_repeating
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.render._mesh_cache import load_prepared
from mesh_reloc_ros.render._on_device import choose_device, on_cpu_instead, put_on
from mesh_reloc_ros.render._prepared_mesh import PreparedMesh, prepare
from mesh_reloc_ros.render.grey import greyed, shows_grey
from mesh_reloc_ros.render.rasterizer import InView, Rasterizer
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

Result = TypeVar('Result')

# The median depth of a view is measured at about this width, in pixels.
_DEPTH_WIDTH = 40


@dataclass(frozen=True)
class Render:
    """A batch of B rendered views, [B, H, W], or N pixels of each, [B, N].

    Pixels that show no mesh, or a face without texture, have depth 0 and face -1. Those without
    mesh are black.
    """

    colour: Tensor
    """[B, ..., 3] float32, RGB of 0 to 1."""
    depth: Tensor
    """[B, ...] float32, metres along the z axis of the camera."""
    face: Tensor
    """[B, ...] int64."""

    @property
    def mask(self) -> Tensor:
        """[B, ...] bool: the pixel shows textured mesh."""
        return self.face >= 0


class Scene:
    """A textured mesh with its rasterizer and textures.

    A scene is immutable, so threads can share it: every call is a function of its arguments. Only
    if the memory of a GPU is full it goes on on the CPU.
    """

    def __init__(
        self,
        mesh: TexturedMesh,
        device: str = 'auto',
        rasterizer: str = 'auto',
        progress: Progress = silent,
        *,
        prepared: PreparedMesh | None = None,
        content: str = '',
    ) -> None:
        """Put the mesh on a device.

        :param device: `auto`, `cpu` or `cuda`; auto selects the GPU if PyTorch finds one.
        :param rasterizer: `auto`, `embree` or `pytorch3d`.
        :param prepared: what `prepare` returned for the mesh. :param content: see the attribute.
        :raises InputError: the device is not available, or the rasterizer is not installed.
        """
        if prepared is None:
            # The textures are replaced in this list.
            mesh = dataclasses.replace(mesh, textures=list(mesh.textures))
            prepared = prepare(mesh, progress)
        self.mesh = mesh
        self.content = content
        """A hash of the file that the mesh was loaded from, and of its textures; empty: of none."""
        self._prepared = prepared
        self._rasterizer_name = rasterizer
        self._lock = threading.Lock()
        self._on = put_on(choose_device(device), mesh, prepared, rasterizer, progress)
        self.is_textured = ~mesh.is_plain
        """[F] bool: faces that images can be aligned with; the others only hide."""
        self.outline = prepared.outline
        """[K, 3], metres: vertices that enclose the mesh closely enough to bound it in a view."""
        shown = [shows_grey(texture) for texture in mesh.textures]
        self.is_grey = True in shown and False not in shown
        """Whether the textures show brightness only."""
        self.texel_size = float(prepared.texel_size)
        """Metres along a side, in the median over the textured surface."""

    @property
    def device(self) -> torch.device:
        """Where it is rendered."""
        return self._on.device

    @property
    def rasterizer(self) -> Rasterizer:
        """Of the device."""
        return self._on.rasterizer

    @property
    def repeater(self) -> Repeater:
        """Does work of the device that is repeated; see `graphs`."""
        return self._on.repeater

    @property
    def solving(self) -> Offload | None:
        """Aligns images on the device, if that is a GPU."""
        return self._on.solving

    @property
    def face_normals(self) -> Tensor:
        """[F, 3] float32, unit normals in the map frame."""
        return self._on.shader.face_normals

    @property
    def texel_sizes(self) -> Tensor:
        """[F] float32, metres along a side of a texel on each face."""
        return self._on.shader.texel_density.clamp(min=1e-12).rsqrt()

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str = 'auto',
        rasterizer: str = 'auto',
        progress: Progress = silent,
        *,
        use_cache: bool = True,
    ) -> Scene:
        """Load a mesh file into a scene.

        :param use_cache: read what was prepared of a large mesh from a file beside it, or write
            that file.
        :raises InputError: as `load_mesh` and the constructor.
        """
        mesh, prepared, content = load_prepared(Path(path), use_cache, progress)
        return cls(mesh, device, rasterizer, progress, prepared=prepared, content=content)

    def render(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        *,
        grey: bool = False,
        in_view: InView | None = None,
    ) -> Render:
        """Render from poses [4, 4] or [B, 4, 4]; differentiable if they require gradients.

        :param pixels: [B, N] int64, row * width + column: render only these pixels.
        :param grey: render brightness instead of colour, to compare with a grey image.
        :param in_view: what `in_view` returned.
        """

        def render() -> Render:
            return self._render(map_T_camera, camera, pixels, grey, in_view)

        return render() if is_repeating() else self.on_some_device(render)

    def in_view(self, map_T_camera: Tensor, camera: Camera) -> InView | None:
        """Return what is in view from poses [B, 4, 4], if several renders from there save by it.

        :param camera: of the renders, or a coarser level of it.
        """
        return self.rasterizer.in_view(map_T_camera, camera)

    def on_some_device(self, work: Callable[[], Result]) -> Result:
        """Return what work with the scene returns.

        If the memory of the GPU is full, it is done again on the CPU, as is all later work.
        """
        on = self._on
        try:
            return work()
        except torch.OutOfMemoryError as error:
            if on.device.type == 'cpu':
                raise
            with self._lock:
                if self._on is on:
                    self._on = on_cpu_instead(
                        error, self.mesh, self._prepared, self._rasterizer_name, silent
                    )
        return work()

    def _render(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None,
        grey: bool,
        in_view: InView | None,
    ) -> Render:
        on = self._on
        poses = map_T_camera.reshape(-1, 4, 4).to(on.device)
        if pixels is not None:
            pixels = pixels.to(on.device)
        fragments = on.rasterizer.rasterize(poses, camera, pixels, in_view)
        colour = on.shader.shade(fragments, poses, camera, pixels)
        if grey:
            colour = greyed(colour)
        face, depth = fragments.face, fragments.depth
        if on.hides is not None:
            hidden = (face >= 0) & on.hides[face.clamp(min=0)]
            face = torch.where(hidden, torch.full_like(face, -1), face)
            depth = torch.where(hidden, torch.zeros_like(depth), depth)
        return Render(colour, depth, face)

    def median_depth(self, map_T_camera: Array, camera: Camera) -> float:
        """Return the median depth of a view from a pose [4, 4], in metres; 1 if it is empty."""
        level = max(round(math.log2(camera.width / _DEPTH_WIDTH)), 0)
        pose = torch.from_numpy(map_T_camera.astype(np.float32))[None].to(self.device)
        fragments = self.rasterizer.rasterize(pose, camera.at_level(level))
        depth = fragments.depth[fragments.face >= 0]
        return float(depth.median()) if len(depth) else 1.0
