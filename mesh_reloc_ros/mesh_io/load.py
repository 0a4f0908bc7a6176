"""Load a textured mesh from a file of any supported format."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._checks import checked_extent, size_notices
from mesh_reloc_ros.mesh_io._content import MeshContent, Texture
from mesh_reloc_ros.mesh_io._names import is_file
from mesh_reloc_ros.mesh_io._obj import read_obj
from mesh_reloc_ros.mesh_io._ply import read_ply
from mesh_reloc_ros.mesh_io.assemble import assembled, read_textures
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent

_READERS = {'.obj': read_obj, '.ply': read_ply}


def load_mesh(path: Path | str, progress: Progress = silent) -> TexturedMesh:
    """Read a textured mesh: OBJ with MTL, PLY, GLB or another format of trimesh.

    :raises InputError: the file is missing or unreadable, one of its textures is missing, or it has
        nothing to align with: no faces with an area, or no texture.
    """
    path = Path(path)
    bare, sources = read_bare(path, progress)
    return with_textures(path, bare, read_textures(path, list(sources.values()), progress))


def read_bare(path: Path, progress: Progress = silent) -> tuple[TexturedMesh, dict[str, Texture]]:
    """Read a mesh without its textures, and what these are read from, by a hash of the content.

    :raises InputError: as `load_mesh`.
    """
    if not is_file(path):
        raise InputError(f'mesh {path} {_absence(path)}')
    return assembled(path, _READERS.get(path.suffix.lower(), _read_other)(path, progress))


def with_textures(
    path: Path, bare: TexturedMesh, textures: list[NDArray[np.uint8]]
) -> TexturedMesh:
    """Return a mesh with its textures RGB [H, W, 3].

    :raises InputError: it has nothing to align with.
    """
    mesh = dataclasses.replace(bare, textures=textures)
    said = size_notices(checked_extent(path, mesh), mesh)
    return dataclasses.replace(mesh, notices=(*said, *mesh.notices))


def _read_other(path: Path, progress: Progress) -> MeshContent:
    # Imported here, as trimesh takes half a second that most meshes do not need.
    from mesh_reloc_ros.mesh_io._trimesh_formats import read_by_trimesh

    return read_by_trimesh(path, progress)


def _absence(path: Path) -> str:
    try:
        return 'is a folder: name the file' if path.is_dir() else 'does not exist'
    except OSError as error:
        return f'cannot be read: {error.strerror}'
