"""Faces that are kept or dropped."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array

Faces = NDArray[np.bool_]
"""[F]: a choice of faces."""
# A face has an area if its height is at least this share of its longest side.
_LEAST_HEIGHT = 1e-5


def with_faces(mesh: TexturedMesh, kept: Faces) -> TexturedMesh:
    """Return the mesh with a choice of its faces, and the vertices and textures that they use."""
    used, corners = np.unique(mesh.faces[kept], return_inverse=True)
    pages, numbers = np.unique(mesh.face_materials[kept], return_inverse=True)
    return dataclasses.replace(
        mesh,
        vertices=mesh.vertices[used],
        uvs=mesh.uvs[used],
        faces=corners.reshape(-1, 3).astype(np.int32),
        face_materials=numbers.reshape(-1).astype(np.int32),
        textures=[mesh.textures[page] for page in pages.tolist()],
    )


def areas(mesh: TexturedMesh) -> Array:
    """Return the areas [F] of the faces."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.linalg.norm(cross, axis=1) / 2)


def with_area(mesh: TexturedMesh) -> Faces:
    """Return the faces that are triangles, not lines or points."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    return np.asarray(2 * areas(mesh) > _LEAST_HEIGHT * longest**2)


def in_box(mesh: TexturedMesh, low: Array, high: Array) -> Faces:
    """Return the faces whose middle lies between two corners [3] of a box in the map."""
    middles = mesh.vertices[mesh.faces].mean(1, dtype=np.float64) + mesh.origin
    return np.asarray(((middles >= low) & (middles <= high)).all(1))


def large_parts(mesh: TexturedMesh, least_share: float) -> tuple[Faces, int]:
    """Return the faces of connected parts, without those that are small, and how many are small.

    :param least_share: of the area of the mesh. The largest part is always kept.
    """
    _, vertex = np.unique(mesh.vertices, axis=0, return_inverse=True)
    corners = vertex.reshape(-1)[mesh.faces]
    count = int(corners.max()) + 1
    ends = np.concatenate((corners[:, :2], corners[:, 1:]))
    edges = coo_matrix((np.ones(len(ends)), ends.T), shape=(count, count))
    part = connected_components(edges, directed=False)[1][corners[:, 0]]
    area = np.bincount(part, areas(mesh))
    is_large = area >= least_share * area.sum()
    is_large[area.argmax()] = True
    return is_large[part], int((~is_large[np.unique(part)]).sum())
