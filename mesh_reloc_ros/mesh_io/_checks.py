"""Whether a mesh can be used, and what users should know of its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# A face counts if its area is at least this share of the square of the mesh's size.
_LEAST_AREA = 1e-12
# Outside these sizes, a mesh is probably not in metres.
_SMALL_M, _LARGE_M = 0.1, 1000.0
_FACES_AT_ONCE = 10_000


def checked_extent(path: Path, mesh: TexturedMesh) -> NDArray[np.float32]:
    """Return the size of the mesh along each axis [3], metres.

    :raises InputError: no image could be aligned with it: vertices are not finite, or no face with
        a texture has an area.
    """
    # By columns, which is faster.
    extent = np.array([np.ptp(column) for column in mesh.vertices.T])
    if not np.isfinite(extent).all():
        raise InputError(f'mesh {path} has vertices that are not finite numbers: clean the mesh')
    size = extent.max()
    if size == 0:
        raise InputError(f'mesh {path} is a single point: all its vertices are equal')
    is_plain = mesh.is_plain
    for first in range(0, len(mesh.faces), _FACES_AT_ONCE):
        some = slice(first, first + _FACES_AT_ONCE)
        corners = mesh.vertices[mesh.faces[some][~is_plain[some]]] / size
        a, b, c = corners.transpose(1, 0, 2)
        if (np.linalg.norm(np.cross(b - a, c - a), axis=1) > 2 * _LEAST_AREA).any():
            return extent
    raise InputError(f'mesh {path}: none of its faces with a texture has an area')


def size_notices(extent: NDArray[np.float32], mesh: TexturedMesh) -> list[str]:
    """Return the size of the mesh, and what is strange about it."""
    said = f'it measures {" x ".join(f"{side:,.4g}" for side in extent.tolist())} m'
    is_local = not mesh.origin.any()
    if extent.max() > _LARGE_M and is_local:
        said += ': if these are millimetres, scale it by 0.001'
    elif extent.max() < _SMALL_M:
        said += ': if that is too small, scale it to metres'
    if is_local:
        return [said]
    place = ', '.join(f'{number:,.0f}' for number in mesh.origin.tolist())
    return [
        said,
        f'it is far from zero, at ({place}): poses are in its own coordinates, which programs with'
        ' 32-bit numbers round',
    ]
