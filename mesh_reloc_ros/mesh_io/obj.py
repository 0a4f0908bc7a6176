"""Read OBJ files with MTL and textures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.mtl import read_materials, read_textures
from mesh_reloc_ros.mesh_io.obj_text import joined_corners, parse_obj
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh, no_texture_coordinates
from mesh_reloc_ros.progress import Progress, silent


def read_obj(path: Path, progress: Progress = silent) -> TexturedMesh:
    """Read an OBJ file with its MTL files and textures.

    :raises InputError: a file is missing or unreadable, or there are no faces, no materials or no
        texture coordinates.
    """
    content = parse_obj(path, progress)
    if not len(content.faces):
        raise InputError(f'mesh {path} has no faces')
    face_materials = content.face_materials
    used = np.unique(face_materials)
    if used[0] < 0 and content.materials:
        raise InputError(f'mesh {path} has faces without a material, before its first usemtl line')
    names = [content.materials[number] for number in used if number >= 0]
    sources = read_materials(path, names, content.libraries)
    # Materials that share a texture are merged.
    distinct = list(dict.fromkeys(sources))
    textured = np.array([isinstance(source, Path) for source in distinct])
    texture_of = np.zeros(len(content.materials), dtype=np.int32)
    texture_of[used] = [distinct.index(source) for source in sources]
    face_materials = texture_of[face_materials]
    if (textured[face_materials] & (content.faces[..., 1] < 0).any(axis=1)).any():
        raise no_texture_coordinates(path)
    faces, corners = joined_corners(content.faces, len(content.vertices))
    vertices = content.vertices[corners[:, 0]]
    # Plain colours need no texture coordinates; a missing one has the index -1.
    uvs = np.append(content.uvs, np.zeros((1, 2), dtype=np.float32), axis=0)[corners[:, 1]]
    del content, corners
    textures = read_textures(path, distinct, progress)
    return TexturedMesh(vertices, faces, uvs, face_materials, textures)
