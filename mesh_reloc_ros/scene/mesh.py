"""Textured triangle meshes and their files (OBJ with MTL, or what else trimesh reads)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import trimesh
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.scene.materials import read_textures


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with one texture per material. A vertex on a texture seam stands several times."""

    vertices: NDArray[np.float32]
    """[V, 3], map frame, metres."""
    faces: NDArray[np.int32]
    """[F, 3], indices of vertices."""
    uvs: NDArray[np.float32]
    """[V, 2], texture coordinates; (0, 0) is the bottom-left corner of the image, as in OBJ."""
    face_materials: NDArray[np.int32]
    """[F], index of each face's texture."""
    textures: list[NDArray[np.uint8]]
    """RGB [H, W, 3] per material."""


def load_mesh(path: Path) -> TexturedMesh:
    """Read a textured mesh.

    :raises InputError: the file is missing or unreadable, has no faces or no texture coordinates,
        or one of its textures is missing.
    """
    if not path.is_file():
        raise InputError(f'mesh {path} does not exist')
    # A reader may take a file without faces for points.
    parts = [part for part in _load_parts(path) if len(getattr(part, 'faces', ()))]
    if not parts:
        raise InputError(f'mesh {path} has no faces')
    with _large_images_allowed():
        read = read_textures(path) if path.suffix.lower() == '.obj' else {}
        textures = [_texture_of(part, path, read) for part in parts]
    counts = [len(part.vertices) for part in parts]
    offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
    vertices = np.concatenate([part.vertices for part in parts]).astype(np.float32)
    if not np.isfinite(vertices).all():
        raise InputError(f'mesh {path} has vertices that are not finite numbers: clean the mesh')
    return TexturedMesh(
        vertices=vertices,
        faces=np.concatenate(
            [part.faces + offset for part, offset in zip(parts, offsets, strict=True)]
        ).astype(np.int32),
        uvs=np.concatenate([_uvs_of(part, path) for part in parts]).astype(np.float32),
        face_materials=np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts]).astype(
            np.int32
        ),
        textures=textures,
    )


def _load_parts(path: Path) -> list[Any]:
    """Return one trimesh.Trimesh per material, in the map frame."""
    try:
        with _large_images_allowed():
            # Without process=False, and with maintain_order, seams get wrong texture coordinates.
            scene = trimesh.load_scene(path, process=False)
            return list(scene.dump())
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(f'mesh {path} cannot be read: {reason}') from error


@contextmanager
def _large_images_allowed() -> Iterator[None]:
    """Let Pillow open textures of 16384 x 16384, which it takes for an attack otherwise."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit


def _texture_of(
    part: Any, path: Path, read: dict[str, NDArray[np.uint8] | None]
) -> NDArray[np.uint8]:
    """Return the texture of a part, of one texel where its material is a plain colour.

    :param read: textures by material, where they have been read from files of their own.
    """
    material = getattr(part.visual, 'material', None)
    if material is None:
        raise InputError(
            f'mesh {path} has no material: texture the mesh (see the README), and keep the MTL file'
            ' beside the OBJ file'
        )
    texture = read.get(str(getattr(material, 'name', '')))
    if texture is not None:
        return texture
    image = getattr(material, 'baseColorTexture', None) or getattr(material, 'image', None)
    if image is None:
        return np.asarray(material.main_color[:3], dtype=np.uint8).reshape(1, 1, 3)
    return np.asarray(image.convert('RGB'))


def _uvs_of(part: Any, path: Path) -> NDArray[np.float64]:
    uvs = getattr(part.visual, 'uv', None)
    if uvs is None or len(uvs) != len(part.vertices) or not np.isfinite(uvs).all():
        raise InputError(
            f'mesh {path} has no texture coordinates: texture the mesh from its photographs'
            ' (see the README)'
        )
    return np.asarray(uvs)
