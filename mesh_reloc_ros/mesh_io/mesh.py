"""Textured triangle meshes and their files (OBJ with MTL, or what else trimesh reads)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io import materials
from mesh_reloc_ros.mesh_io.obj import joined_corners, read_obj
from mesh_reloc_ros.progress import Progress, silent


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with their textures. A vertex on a texture seam stands several times."""

    vertices: NDArray[np.float32]
    """[V, 3], map frame, metres."""
    faces: NDArray[np.int32]
    """[F, 3], indices of vertices."""
    uvs: NDArray[np.float32]
    """[V, 2], texture coordinates; (0, 0) is the bottom-left corner of the image, as in OBJ."""
    face_materials: NDArray[np.int32]
    """[F], index of each face's texture."""
    textures: list[NDArray[np.uint8]]
    """RGB [H, W, 3], one for all materials that share it."""


def load_mesh(path: Path, progress: Progress = silent) -> TexturedMesh:
    """Read a textured mesh.

    :raises InputError: the file is missing or unreadable, has no faces or no texture coordinates,
        or one of its textures is missing.
    """
    if not path.is_file():
        reason = 'is a folder: name the file' if path.is_dir() else 'does not exist'
        raise InputError(f'mesh {path} {reason}')
    is_obj = path.suffix.lower() == '.obj'
    mesh = _load_obj(path, progress) if is_obj else _load_by_trimesh(path, progress)
    if not np.isfinite(mesh.vertices).all():
        raise InputError(f'mesh {path} has vertices that are not finite numbers: clean the mesh')
    if not np.isfinite(mesh.uvs).all():
        raise InputError(f'mesh {path} has texture coordinates that are not finite numbers')
    return mesh


def _load_obj(path: Path, progress: Progress) -> TexturedMesh:
    content = read_obj(path, progress)
    if not len(content.faces):
        raise InputError(f'mesh {path} has no faces')
    face_materials = content.face_materials
    used = np.unique(face_materials)
    if used[0] < 0 and content.materials:
        raise InputError(f'mesh {path} has faces without a material, before its first usemtl line')
    names = [content.materials[number] for number in used if number >= 0]
    sources = materials.read_materials(path, names, content.libraries)
    # Materials that share a texture are one.
    distinct = list(dict.fromkeys(sources))
    textured = np.array([isinstance(source, Path) for source in distinct])
    texture_of = np.zeros(len(content.materials), dtype=np.int32)
    texture_of[used] = [distinct.index(source) for source in sources]
    face_materials = texture_of[face_materials]
    if (textured[face_materials] & (content.faces[..., 1] < 0).any(axis=1)).any():
        raise _without_uvs(path)
    faces, corners = joined_corners(content.faces, len(content.vertices))
    vertices = content.vertices[corners[:, 0]]
    # Plain colours need no texture coordinates: where there are none, the index is -1.
    uvs = np.append(content.uvs, np.zeros((1, 2), dtype=np.float32), axis=0)[corners[:, 1]]
    del content, corners
    textures = materials.read_textures(path, distinct, progress)
    return TexturedMesh(vertices, faces, uvs, face_materials, textures)


def _load_by_trimesh(path: Path, progress: Progress) -> TexturedMesh:
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    # A reader may take a file without faces for points.
    parts = [part for part in _load_parts(path) if len(getattr(part, 'faces', ()))]
    if not parts:
        raise InputError(f'mesh {path} has no faces')
    counts = [len(part.vertices) for part in parts]
    offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
    numbers = np.arange(len(parts), dtype=np.int32)
    mesh = TexturedMesh(
        vertices=np.concatenate([part.vertices for part in parts], dtype=np.float32),
        faces=np.concatenate(
            [part.faces + offset for part, offset in zip(parts, offsets, strict=True)],
            dtype=np.int32,
        ),
        uvs=np.concatenate([_uvs_of(part, path) for part in parts], dtype=np.float32),
        face_materials=np.repeat(numbers, [len(part.faces) for part in parts]),
        textures=[_texture_of(part, path) for part in parts],
    )
    progress(stage, 1.0)
    return mesh


def _load_parts(path: Path) -> list[Any]:
    """Return one trimesh.Trimesh per material, in the map frame."""
    try:
        with materials.large_images_allowed():
            # Without process=False seams get wrong texture coordinates.
            scene = trimesh.load_scene(path, process=False)
            return list(scene.dump())
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(f'mesh {path} cannot be read: {reason}') from error


def _texture_of(part: Any, path: Path) -> NDArray[np.uint8]:
    """Return the texture of a part, of one texel where its material is a plain colour."""
    material = getattr(part.visual, 'material', None)
    if material is None:
        raise InputError(
            f'mesh {path} has no material: texture the mesh (docs/from_photographs.md tells how)'
        )
    image = getattr(material, 'baseColorTexture', None) or getattr(material, 'image', None)
    return materials.plain(material.main_color) if image is None else materials.pixels(image)


def _uvs_of(part: Any, path: Path) -> NDArray[np.float64]:
    uvs = getattr(part.visual, 'uv', None)
    if uvs is None or len(uvs) != len(part.vertices):
        raise _without_uvs(path)
    return np.asarray(uvs)


def _without_uvs(path: Path) -> InputError:
    return InputError(
        f'mesh {path} has no texture coordinates: texture the mesh from its photographs'
        ' (docs/from_photographs.md tells how)'
    )
