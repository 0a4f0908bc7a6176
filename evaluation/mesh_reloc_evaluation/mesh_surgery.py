"""Meshes made of other meshes: a part cut out, faces turned, moved, or several joined into one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array


def cut_to_ball(mesh: TexturedMesh, centre: Array, radius: float) -> TexturedMesh:
    """Return the faces whose middle lies within a radius, in metres, of a point [3].

    The textures stay whole.
    """
    middles = mesh.vertices[mesh.faces].mean(1, dtype=np.float64)
    inside = np.linalg.norm(middles - centre, axis=1) <= radius
    used, corners = np.unique(mesh.faces[inside], return_inverse=True)
    return dataclasses.replace(
        mesh,
        vertices=mesh.vertices[used],
        faces=corners.reshape(-1, 3).astype(np.int32),
        uvs=mesh.uvs[used],
        face_materials=mesh.face_materials[inside],
    )


def turned(mesh: TexturedMesh, share: float, seed: int = 0) -> TexturedMesh:
    """Return the mesh with a share of its faces, chosen at random, listed in the other sense."""
    count = len(mesh.faces)
    chosen = np.random.default_rng(seed).permutation(count)[: round(share * count)]
    faces = mesh.faces.copy()
    faces[chosen] = faces[chosen][:, ::-1]
    return dataclasses.replace(mesh, faces=faces)


def moved(mesh: TexturedMesh, offset: Array) -> TexturedMesh:
    """Return the mesh moved by an offset [3], in metres."""
    vertices = (mesh.vertices.astype(np.float64) + offset).astype(np.float32)
    return dataclasses.replace(mesh, vertices=vertices)


def joined(meshes: Sequence[TexturedMesh]) -> TexturedMesh:
    """Return one mesh of several. A texture that several of them use is kept once."""
    textures: list[NDArray[np.uint8]] = []
    numbers: dict[int, int] = {}
    faces, materials, first = [], [], 0
    for mesh in meshes:
        for texture in mesh.textures:
            if id(texture) not in numbers:
                numbers[id(texture)] = len(textures)
                textures.append(texture)
        number = np.array([numbers[id(texture)] for texture in mesh.textures], dtype=np.int32)
        materials.append(number[mesh.face_materials])
        faces.append(mesh.faces + np.int32(first))
        first += len(mesh.vertices)
    return TexturedMesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate(faces),
        uvs=np.concatenate([mesh.uvs for mesh in meshes]),
        face_materials=np.concatenate(materials),
        textures=textures,
    )
