"""Finer versions of a textured mesh: same surface and texture, more triangles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# Vertices move by this share of the mean edge length, so that no two triangles are coplanar.
_DISPLACEMENT = 0.02
# Wavelength of the displacement in edge lengths; not an integer, so that vertices differ.
_WAVELENGTH = 2.7


def refined(mesh: TexturedMesh, faces: int) -> TexturedMesh:
    """Return a mesh of `faces` triangles or one more, but at least as many as it has.

    The longest edges are halved first, in all triangles that share them, so that no gaps open.
    Finally all vertices move slightly, by a function of their position, so that those on a texture
    seam stay together.
    """
    while len(mesh.faces) < faces:
        mesh = _split_longest(mesh, faces)
    return replace(mesh, vertices=_displaced(mesh))


def _split_longest(mesh: TexturedMesh, wanted: int) -> TexturedMesh:
    """Halve the longest edges, each once, until there are `wanted` faces or none is left."""
    # Edges are between positions: on a seam, one edge has several pairs of vertices.
    position = np.unique(mesh.vertices, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.stack((mesh.faces, np.roll(mesh.faces, -1, axis=1)), axis=2)
    keys = np.sort(position[pairs].reshape(-1, 2), axis=1)
    _, first, edge = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    edge = edge.reshape(-1, 3)
    ends = mesh.vertices[pairs.reshape(-1, 2)[first]]
    order = np.argsort(-np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), kind='stable')
    # A halved edge adds one face for each face that has it.
    added = np.cumsum(np.bincount(edge.ravel(), minlength=len(first))[order])
    halved = np.zeros(len(first), dtype=bool)
    halved[order[: np.searchsorted(added, wanted - len(mesh.faces)) + 1]] = True
    return _split(mesh, pairs, halved[edge])


def _split(mesh: TexturedMesh, pairs: NDArray[np.int32], halved: NDArray[np.bool_]) -> TexturedMesh:
    """Split faces at the middles of their edges.

    :param pairs: [F, 3, 2], vertices of each edge. :param halved: [F, 3], which edges to halve.
    """
    chosen = np.sort(pairs[halved], axis=1)
    ends, index = np.unique(chosen, axis=0, return_inverse=True)
    middles = np.full(halved.shape, -1, dtype=np.int32)
    middles[halved] = len(mesh.vertices) + index.reshape(-1)
    faces, materials = [], []
    for count, pattern in _PATTERNS.items():
        here = np.flatnonzero(halved.sum(1) == count)
        # Rotate the corners so that halved edges come first.
        turn = _first_edge(halved[here])
        columns = (turn[:, None] + np.arange(3)) % 3
        corners = np.take_along_axis(mesh.faces[here], columns, axis=1)
        inner = np.take_along_axis(middles[here], columns, axis=1)
        points = np.concatenate((corners, inner), axis=1)
        faces.append(points[:, np.array(pattern)].reshape(-1, 3))
        materials.append(np.repeat(mesh.face_materials[here], len(pattern)))
    return replace(
        mesh,
        vertices=np.concatenate((mesh.vertices, mesh.vertices[ends].mean(1))),
        uvs=np.concatenate((mesh.uvs, mesh.uvs[ends].mean(1))),
        faces=np.concatenate(faces).astype(np.int32),
        face_materials=np.concatenate(materials),
    )


# Triangles by the number of halved edges: corners are 0, 1, 2; the middles of the edges 0-1, 1-2
# and 2-0 are 3, 4, 5.
_PATTERNS: dict[int, tuple[tuple[int, int, int], ...]] = {
    0: ((0, 1, 2),),
    1: ((0, 3, 2), (3, 1, 2)),
    2: ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}


def _first_edge(halved: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how far to rotate triangles [N, 3] so that halved edges come first."""
    after_unhalved = halved & ~np.roll(halved, 1, axis=1)
    return after_unhalved.argmax(1)


def _displaced(mesh: TexturedMesh) -> NDArray[np.float32]:
    """Return the vertices [V, 3], displaced by plane waves."""
    ends = mesh.vertices[mesh.faces[:, :2]]
    edge = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean())
    directions = np.random.default_rng(0).normal(size=(3, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    phases = 2 * np.pi / (_WAVELENGTH * edge) * mesh.vertices.astype(np.float64) @ directions.T
    return (mesh.vertices + _DISPLACEMENT * edge * np.sin(phases)).astype(np.float32)
