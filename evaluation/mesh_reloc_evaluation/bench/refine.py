"""Finer versions of a textured mesh: the same surface and texture, in more triangles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# Vertices are moved by this share of the mean edge, so that no two triangles lie in one plane.
_DISPLACEMENT = 0.02
# The displacement varies over this many edges, not a whole number in any direction.
_WAVELENGTH = 2.7


def refined(mesh: TexturedMesh, faces: int) -> TexturedMesh:
    """Return a mesh of `faces` triangles, or one more; no fewer than it has.

    The longest edges are halved first, for all triangles on them at once, so that no gaps open.
    Texture coordinates are halved likewise. In the end all vertices are moved slightly, by a
    function of their position, so that those on a texture's seam stay together.
    """
    while len(mesh.faces) < faces:
        mesh = _split_longest(mesh, faces)
    return replace(mesh, vertices=_uneven(mesh))


def write_obj(path: Path, mesh: TexturedMesh) -> None:
    """Write a mesh as OBJ, with an MTL file and PNG textures beside it."""
    obj, mtl = [f'mtllib {path.stem}.mtl'], []
    obj += [f'v {x:.6f} {y:.6f} {z:.6f}' for x, y, z in mesh.vertices.tolist()]
    obj += [f'vt {u:.7f} {v:.7f}' for u, v in mesh.uvs.tolist()]
    for number, texture in enumerate(mesh.textures):
        image = f'{path.stem}_{number}.png'
        bgr = cv2.cvtColor(texture, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path.with_name(image)), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        mtl += [f'newmtl material_{number}', 'Kd 1 1 1', f'map_Kd {image}']
        obj.append(f'usemtl material_{number}')
        of_texture = 1 + mesh.faces[mesh.face_materials == number]
        obj += [f'f {a}/{a} {b}/{b} {c}/{c}' for a, b, c in of_texture.tolist()]
    path.with_suffix('.mtl').write_text('\n'.join(mtl) + '\n')
    path.write_text('\n'.join(obj) + '\n')


def _split_longest(mesh: TexturedMesh, wanted: int) -> TexturedMesh:
    """Halve the longest edges, each once, until there are `wanted` faces or all are halved."""
    # Edges are those between places: on a seam, one edge has several pairs of vertices.
    place = np.unique(mesh.vertices, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.stack((mesh.faces, np.roll(mesh.faces, -1, axis=1)), axis=2)
    keys = np.sort(place[pairs].reshape(-1, 2), axis=1)
    _, first, edge = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    edge = edge.reshape(-1, 3)
    ends = mesh.vertices[pairs.reshape(-1, 2)[first]]
    order = np.argsort(-np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), kind='stable')
    # Each edge adds a face for every one that it belongs to.
    added = np.cumsum(np.bincount(edge.ravel(), minlength=len(first))[order])
    halved = np.zeros(len(first), dtype=bool)
    halved[order[: np.searchsorted(added, wanted - len(mesh.faces)) + 1]] = True
    return _split(mesh, pairs, halved[edge])


def _split(mesh: TexturedMesh, pairs: NDArray[np.int32], halved: NDArray[np.bool_]) -> TexturedMesh:
    """Split faces at the middles of their edges.

    :param pairs: [F, 3, 2], the vertices of each edge. :param halved: [F, 3], which edges.
    """
    chosen = np.sort(pairs[halved], axis=1)
    ends, index = np.unique(chosen, axis=0, return_inverse=True)
    middles = np.full(halved.shape, -1, dtype=np.int32)
    middles[halved] = len(mesh.vertices) + index.reshape(-1)
    faces, materials = [], []
    for count, pattern in _PATTERNS.items():
        here = np.flatnonzero(halved.sum(1) == count)
        # Turned so that halved edges come first.
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


# Triangles by how many edges are halved: corners 0, 1, 2, and 3, 4, 5 in the middle of the edges
# 0-1, 1-2, 2-0.
_PATTERNS: dict[int, tuple[tuple[int, int, int], ...]] = {
    0: ((0, 1, 2),),
    1: ((0, 3, 2), (3, 1, 2)),
    2: ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}


def _first_edge(halved: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return by how much to turn triangles [N, 3] for the halved edges to come first."""
    after_whole = halved & ~np.roll(halved, 1, axis=1)
    return after_whole.argmax(1)


def _uneven(mesh: TexturedMesh) -> NDArray[np.float32]:
    """Return the vertices [V, 3] moved by waves that run through space."""
    ends = mesh.vertices[mesh.faces[:, :2]]
    edge = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean())
    directions = np.random.default_rng(0).normal(size=(3, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    phases = 2 * np.pi / (_WAVELENGTH * edge) * mesh.vertices.astype(np.float64) @ directions.T
    return (mesh.vertices + _DISPLACEMENT * edge * np.sin(phases)).astype(np.float32)
