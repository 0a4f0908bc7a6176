"""Whether a mesh can be used, and what users should know of its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# A face counts if its area is at least this share of the square of the mesh's size.
_LEAST_AREA = 1e-12
# Outside these sizes, a mesh is probably not in metres.
_SMALL_M, _LARGE_M = 0.1, 1000.0
_FACES_AT_ONCE = 100_000


def refuse_unusable(path: Path, mesh: TexturedMesh) -> None:
    """Refuse what no image could be aligned with.

    :raises InputError: vertices are not finite, or no face with a texture has an area.
    """
    if not np.isfinite(mesh.vertices).all():
        raise InputError(f'mesh {path} has vertices that are not finite numbers: clean the mesh')
    size = float(np.ptp(mesh.vertices, axis=0).max())
    if size == 0:
        raise InputError(f'mesh {path} is a single point: all its vertices are equal')
    if not np.isfinite(size):
        raise InputError(f'mesh {path} is too large for 32-bit numbers: scale it to metres')
    faces = mesh.faces[~mesh.is_plain]
    for first in range(0, len(faces), _FACES_AT_ONCE):
        corners = mesh.vertices[faces[first : first + _FACES_AT_ONCE]] / size
        a, b, c = corners.transpose(1, 0, 2)
        if (np.linalg.norm(np.cross(b - a, c - a), axis=1) > 2 * _LEAST_AREA).any():
            return
    raise InputError(f'mesh {path}: none of its faces with a texture has an area')


def size_notices(mesh: TexturedMesh) -> list[str]:
    """Return the size of the mesh, and what is strange about it."""
    extent = np.ptp(mesh.vertices, axis=0)
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
