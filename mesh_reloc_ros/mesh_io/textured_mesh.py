"""The textured triangle mesh that all mesh formats are read into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with textures. Vertices on texture seams are duplicated."""

    vertices: NDArray[np.float32]
    """[V, 3], map frame, metres."""
    faces: NDArray[np.int32]
    """[F, 3], indices of vertices."""
    uvs: NDArray[np.float32]
    """[V, 2], texture coordinates; (0, 0) is the bottom-left corner of the image, as in OBJ."""
    face_materials: NDArray[np.int32]
    """[F], texture index of each face."""
    textures: list[NDArray[np.uint8]]
    """RGB [H, W, 3]; materials with the same image share one texture."""


def no_texture_coordinates(path: Path) -> InputError:
    """Return the error for a mesh file without texture coordinates."""
    return InputError(
        f'mesh {path} has no texture coordinates: texture the mesh from its photographs'
        ' (see docs/from_photographs.md)'
    )
