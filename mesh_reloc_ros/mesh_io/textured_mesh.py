"""The textured triangle mesh that every format is read into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with their textures. A vertex on a texture seam stands several times."""

    vertices: NDArray[np.float32]
    """[V, 3], map frame, metres."""
    faces: NDArray[np.int32]
    """[F, 3], indices of vertices."""
    uvs: NDArray[np.float32]
    """[V, 2], texture coordinates; (0, 0) is the bottom-left corner of the image, as in OBJ."""
    face_materials: NDArray[np.int32]
    """[F], index of each face's texture."""
    textures: list[NDArray[np.uint8]]
    """RGB [H, W, 3], one for all materials that share it."""


def no_texture_coordinates(path: Path) -> InputError:
    """Return the error of a mesh file without texture coordinates."""
    return InputError(
        f'mesh {path} has no texture coordinates: texture the mesh from its photographs'
        ' (docs/from_photographs.md tells how)'
    )
