"""Read PLY, GLB and other mesh formats of trimesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.images import large_images_allowed, one_texel, rgb_pixels
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh, no_texture_coordinates
from mesh_reloc_ros.progress import Progress, silent


def read_by_trimesh(path: Path, progress: Progress = silent) -> TexturedMesh:
    """Read a mesh file in a format of trimesh, such as PLY or GLB.

    :raises InputError: the file cannot be read, or has no faces, material or texture coordinates.
    """
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    # trimesh may read a file without faces as a point cloud.
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
        with large_images_allowed():
            # process=True would give wrong texture coordinates at seams.
            scene = trimesh.load_scene(path, process=False)
            return list(scene.dump())
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(f'mesh {path} cannot be read: {reason}') from error


def _texture_of(part: Any, path: Path) -> NDArray[np.uint8]:
    """Return the texture of a part; a plain colour becomes a texture of one texel."""
    material = getattr(part.visual, 'material', None)
    if material is None:
        raise InputError(
            f'mesh {path} has no material: texture the mesh (see docs/from_photographs.md)'
        )
    image = getattr(material, 'baseColorTexture', None) or getattr(material, 'image', None)
    return one_texel(material.main_color) if image is None else rgb_pixels(image)


def _uvs_of(part: Any, path: Path) -> NDArray[np.float64]:
    uvs = getattr(part.visual, 'uv', None)
    if uvs is None or len(uvs) != len(part.vertices):
        raise no_texture_coordinates(path)
    return np.asarray(uvs)
