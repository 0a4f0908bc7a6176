"""Mesh simplification: fewer faces, and a new texture for them."""

from __future__ import annotations

import dataclasses

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_tools.simplification.atlas import atlas_of
from mesh_reloc_tools.simplification.paint import Surface

# The wanted number of faces is met if there are at most so many times as many.
_MOST = 1.02
_GREY = np.full((1, 1, 3), 102, np.uint8)


def decimated(mesh: TexturedMesh, faces: int, side: int) -> TexturedMesh:
    """Return the mesh with about as many faces, and one texture of `side` by `side` pixels.

    The shape is simplified across the seams of the texture, which would break it into pieces
    otherwise. Each new face gets a place in the new texture, and each pixel the colour of the
    nearest point of the old surface. Faces of a plain colour stay plain.
    """
    vertices, triangles = _simplified(mesh, faces)
    corners = vertices[triangles].astype(np.float64)
    atlas = atlas_of(corners, side)
    texture = np.zeros((side, side, 3), np.uint8)
    surface = Surface(mesh)
    for rows, columns, points in atlas.texels(corners):
        texture[rows, columns] = surface.colours(points)
    is_plain = surface.is_plain(corners.mean(1))
    return dataclasses.replace(
        mesh,
        vertices=vertices[triangles].reshape(-1, 3),
        faces=np.arange(3 * len(triangles), dtype=np.int32).reshape(-1, 3),
        uvs=atlas.uvs().reshape(-1, 2),
        face_materials=is_plain.astype(np.int32),
        textures=[texture, _GREY] if is_plain.any() else [texture],
        is_atlas=True,
    )


def _simplified(mesh: TexturedMesh, faces: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return vertices [V, 3] and faces [F, 3] without regard to the texture.

    The borders of the surface stay as they are, if that leaves enough to be simplified.
    """
    vertices, number = np.unique(mesh.vertices, axis=0, return_inverse=True)
    triangles = number.reshape(-1)[mesh.faces].astype(np.int32)
    for keep_borders in (True, False):
        found, kept = fast_simplification.simplify(
            vertices, triangles, target_count=faces, preserve_border=keep_borders
        )
        if len(kept) <= _MOST * faces:
            break
    return found.astype(np.float32), kept
