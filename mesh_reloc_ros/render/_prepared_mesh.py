"""What is computed from a mesh before it can be rendered, on whatever device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.render._mip_levels import filled_texels, level_images, level_table, texel_count
from mesh_reloc_ros.types import Array

# Directions of the outline along each axis.
_OUTLINE_STEPS = 5


@dataclass(frozen=True)
class PreparedMesh:
    """Arrays in main memory."""

    texels: NDArray[np.uint8]
    """[T, 3], of all textures and mip levels, filled between charts."""
    levels: NDArray[np.int64]
    """[M, L, 3]: first texel, width and height of each texture's levels."""
    face_normals: NDArray[np.float32]
    """[F, 3], unit normals in the map frame."""
    texel_density: NDArray[np.float32]
    """[F], texels per square metre."""
    texel_size: NDArray[np.float32]
    """[], metres along a side of a texel, in the median over the textured surface."""
    outline: Array
    """[K, 3], metres: vertices that enclose the mesh closely enough to bound it in a view."""

    @property
    def textures(self) -> list[NDArray[np.uint8]]:
        """Images [H, W, 3], as parts of the texels."""
        return [images[0] for images in level_images(self.texels, self.levels)]

    def fits(self, mesh: TexturedMesh) -> bool:
        """Whether the arrays have the sizes that belong to a mesh, its textures left aside."""
        faces, materials = len(mesh.faces), int(mesh.face_materials.max()) + 1
        return (
            self.face_normals.shape == (faces, 3)
            and self.texel_density.shape == (faces,)
            and self.levels.shape[0] == materials
            and self.texels.shape == (texel_count(self.levels), 3)
        )


def prepare(mesh: TexturedMesh, progress: Progress = silent) -> PreparedMesh:
    """Prepare a mesh; see `PreparedMesh`.

    :param mesh: its `textures` are replaced by parts of the texels.
    """
    table = level_table([texture.shape for texture in mesh.textures])
    is_plain = mesh.is_plain
    texels = filled_texels(mesh, table, progress)
    corners = torch.from_numpy(mesh.vertices[mesh.faces])
    cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled_area = cross.norm(dim=-1)
    divisor = doubled_area.clamp(min=1e-12)
    density = torch.from_numpy(_texels_of_faces(mesh, table)) / divisor
    sizes = density.clamp(min=1e-12).rsqrt().numpy()
    return PreparedMesh(
        texels,
        table,
        (cross / divisor[:, None]).numpy(),
        density.numpy(),
        _weighted_median(sizes, doubled_area.numpy() * ~is_plain),
        _outline(mesh.vertices),
    )


def _texels_of_faces(mesh: TexturedMesh, table: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return twice the area of each face [F] in texture space, in texels."""
    sizes = table[:, 0, 1:].astype(np.float32)
    corners = mesh.uvs[mesh.faces] * sizes[mesh.face_materials][:, None]
    b, c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled: NDArray[np.float32] = np.abs(b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    return doubled


def _weighted_median(
    values: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the median of values [F] by weights [F]; infinite if there is no weight."""
    order = np.argsort(values)
    below = np.cumsum(weights[order], dtype=np.float64)
    if not len(below) or not below[-1] > 0:
        return np.array(math.inf, dtype=np.float32)
    return np.array(values[order[np.searchsorted(below, below[-1] / 2)]])


def _outline(vertices: NDArray[np.float32]) -> Array:
    """Return those of vertices [V, 3] that lie farthest in some direction."""
    steps = np.linspace(-1, 1, _OUTLINE_STEPS)
    directions = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3).astype(np.float32)
    parts = np.array_split(vertices, max(len(vertices) // 100_000, 1))
    # One row for each direction: the largest of a row is found several times as fast.
    found = np.concatenate([part[np.unique((directions @ part.T).argmax(1))] for part in parts])
    return found[np.unique((directions @ found.T).argmax(1))].astype(np.float64)
