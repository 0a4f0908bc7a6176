"""Load a textured mesh from a file of any supported format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.obj import read_obj
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.mesh_io.trimesh_formats import read_by_trimesh
from mesh_reloc_ros.progress import Progress, silent


def load_mesh(path: Path | str, progress: Progress = silent) -> TexturedMesh:
    """Read a textured mesh: OBJ with MTL, PLY, GLB or another format of trimesh.

    :raises InputError: the file is missing or unreadable, has no faces or no texture coordinates,
        or one of its textures is missing.
    """
    path = Path(path)
    if not path.is_file():
        reason = 'is a folder: name the file' if path.is_dir() else 'does not exist'
        raise InputError(f'mesh {path} {reason}')
    is_obj = path.suffix.lower() == '.obj'
    mesh = read_obj(path, progress) if is_obj else read_by_trimesh(path, progress)
    if not np.isfinite(mesh.vertices).all():
        raise InputError(f'mesh {path} has vertices that are not finite numbers: clean the mesh')
    if not np.isfinite(mesh.uvs).all():
        raise InputError(f'mesh {path} has texture coordinates that are not finite numbers')
    return mesh
