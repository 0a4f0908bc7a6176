"""Whether the winding of a mesh's faces shows from which side its surface was photographed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# Faces agree if at least this share of the edges join faces that are wound alike.
_MIN_COHERENT = 0.9
# What was seen from outside has sharp convex edges, from this angle on; concave ones are filled by
# reconstruction. So with all faces turned, most sharp edges are concave: by 7 to 20 standard
# deviations in three reconstructions and a modelled room; as they are, convex by as much, and
# concave by at most 4.8 in 96 parts of them.
_SHARP, _SIGNIFICANT = math.cos(math.radians(45)), 5.0

Indices = NDArray[np.int64]


def fronts_are_known(mesh: TexturedMesh) -> bool:
    """Return whether neighbouring faces agree on their front, and the shape fits it.

    Without shared edges, the winding is believed.
    """
    start, end = _edges(mesh)
    first, second = _shared(start, end)
    # Faces that agree run along their common edge in opposite directions.
    alike = start[first] == end[second]
    if not len(alike):
        return True
    if alike.mean() < _MIN_COHERENT:
        return False
    convex, concave = _sharp_edges(mesh, first[alike], second[alike])
    return concave - convex <= _SIGNIFICANT * math.sqrt(concave + convex)


def _edges(mesh: TexturedMesh) -> tuple[Indices, Indices]:
    """Return the vertices where the edges of all faces, three each, start and end: [3 F], [3 F].

    Vertices at the same place are one: a seam of the texture is no edge of the surface.
    """
    _, vertex = np.unique(mesh.vertices, axis=0, return_inverse=True)
    corners = vertex.reshape(-1)[mesh.faces].astype(np.int64)
    return corners.reshape(-1), np.roll(corners, -1, axis=1).reshape(-1)


def _shared(start: Indices, end: Indices) -> tuple[Indices, Indices]:
    """Return pairs [E], [E] of edges [N] that join the same vertices: where two faces meet."""
    count = int(start.max(initial=0)) + 1
    key = np.minimum(start, end) * count + np.maximum(start, end)
    order = np.argsort(key, kind='stable')
    _, place, uses = np.unique(key[order], return_index=True, return_counts=True)
    place = place[uses == 2]
    return order[place], order[place + 1]


def _sharp_edges(mesh: TexturedMesh, first: Indices, second: Indices) -> tuple[int, int]:
    """Return the number of convex and of concave sharp edges.

    :param first: [E], edges of the faces, three each, and `second` the same of their neighbours.
    """
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-300)
    one, other = first // 3, second // 3
    sharp = (normal[one] * normal[other]).sum(1) < _SHARP
    # Beyond a convex edge, the other face lies behind the first.
    step = corners[other].mean(1) - corners[one].mean(1)
    convex = (normal[one] * step).sum(1) < 0
    return int((sharp & convex).sum()), int((sharp & ~convex).sum())
