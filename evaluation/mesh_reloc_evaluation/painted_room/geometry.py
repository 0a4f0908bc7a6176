"""Triangles of the patches: uneven grids, as in a reconstruction from photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.patches import Patch


@dataclass(frozen=True)
class Grid:
    """A patch as triangles."""

    points: NDArray[np.float64]
    """[N, 3], metres."""
    uvs: NDArray[np.float64]
    """[N, 2], 0 to 1 within the patch, v up."""
    faces: NDArray[np.int64]
    """[F, 3]."""
    face_cells: NDArray[np.int64]
    """[F], the grid cell of each face, row by row from the bottom."""
    cells: tuple[int, int]
    """Columns and rows of cells."""


def triangulate(patch: Patch, rng: np.random.Generator) -> Grid:
    """Triangulate a patch with jittered corners; triangles are about as large as its `cell`."""
    columns = max(1, round(patch.width / patch.material.cell))
    rows = max(1, round(patch.height / patch.material.cell))
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    inner_u, inner_v = (u > 0) & (u < 1), (v > 0) & (v < 1)
    u = u + np.where(inner_u, rng.uniform(-0.3, 0.3, u.shape) / columns, 0)
    v = v + np.where(inner_v, rng.uniform(-0.3, 0.3, v.shape) / rows, 0)
    points = patch.surface(u, v)
    bumps = np.where(inner_u & inner_v, rng.normal(0, 0.0008, u.shape), 0)
    points = points + bumps[..., None] * normals(patch, u, v)

    index = np.arange(u.size).reshape(u.shape)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
    flip = rng.random(a.size) < 0.5
    first = np.where(flip[:, None], np.stack((a, b, d), -1), np.stack((a, b, c), -1))
    second = np.where(flip[:, None], np.stack((b, c, d), -1), np.stack((a, c, d), -1))
    return Grid(
        points=points.reshape(-1, 3),
        uvs=np.stack((u, v), axis=-1).reshape(-1, 2),
        faces=np.concatenate((first, second)),
        face_cells=np.tile(np.arange(a.size), 2),
        cells=(columns, rows),
    )


def normals(patch: Patch, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit normals [..., 3] on the front of the patch."""
    step = 1e-4
    along = patch.surface(u + step, v) - patch.surface(u - step, v)
    up = patch.surface(u, v + step) - patch.surface(u, v - step)
    normal = np.cross(along, up)
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
