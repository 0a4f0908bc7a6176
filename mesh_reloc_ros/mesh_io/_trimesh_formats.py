"""Read GLB, glTF and other mesh formats of trimesh."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import Colour, MeshContent, Texture
from mesh_reloc_ros.mesh_io._gltf import check_gltf
from mesh_reloc_ros.mesh_io._names import find_file, readings
from mesh_reloc_ros.mesh_io._text import printable
from mesh_reloc_ros.mesh_io.images import (
    large_images_allowed,
    refuse_too_large,
    refused_as_texture_of,
    rgb_pixels,
)
from mesh_reloc_ros.mesh_io.origin import about_origin, as_float32
from mesh_reloc_ros.progress import Progress, silent

_GREY = (102, 102, 102)
_GLTF = ('.glb', '.gltf')
_GLTF_UP = 'glTF files have y up: if this one has, set relocalization.up_axis to y'


def read_by_trimesh(path: Path, progress: Progress = silent) -> MeshContent:
    """Read a mesh file in a format of trimesh, such as GLB.

    :raises InputError: the file cannot be read, or needs what is not read.
    """
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    is_gltf = path.suffix.lower() in _GLTF
    if is_gltf:
        check_gltf(path)
    parts = _load_parts(path)
    if not parts:
        raise InputError(f'mesh {path} has no faces')
    counts = [len(part.vertices) for part in parts]
    for part, count in zip(parts, counts, strict=True):
        if not 0 <= part.faces.min() <= part.faces.max() < count:
            raise InputError(f'mesh {path} cannot be read: a face has a vertex that does not exist')
    offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
    faces = np.concatenate(
        [part.faces + offset for part, offset in zip(parts, offsets, strict=True)]
    )
    found = [_uvs_of(part) for part in parts]
    sizes = [len(part.faces) for part in parts]
    has_uvs = np.repeat([uvs is not None for uvs in found], sizes)
    uvs = [np.zeros((n, 2)) if uv is None else uv for n, uv in zip(counts, found, strict=True)]
    uv_corners = np.where(has_uvs[:, None], faces, -1)
    vertices, origin = about_origin(np.concatenate([part.vertices for part in parts]), faces)
    textures, numbers = _textures(parts, path)
    progress(stage, 1.0)
    return MeshContent(
        vertices,
        origin,
        as_float32(np.concatenate(uvs)),
        np.stack((faces, uv_corners), axis=-1).astype(np.int32),
        np.repeat(np.array(numbers, dtype=np.int32), sizes),
        textures,
        colours=_colours(parts),
        notices=[_GLTF_UP] if is_gltf else [],
    )


class _Part(NamedTuple):
    """A part of a scene, in the map frame."""

    vertices: NDArray[np.float64]
    """[V, 3]."""
    faces: NDArray[np.int64]
    """[F, 3]."""
    visual: Any
    """Of trimesh: material, texture coordinates, colours."""


class _Files(trimesh.resolvers.Resolver):
    """Finds the files that a mesh file names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes:
        found = find_file(readings(name), [self._folder])
        if found is None:
            raise FileNotFoundError(f'{printable(name)} is missing')
        return found.read_bytes()

    def keys(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()]

    def write(self, name: str, data: bytes) -> None:
        raise NotImplementedError

    def namespaced(self, namespace: str) -> _Files:
        return _Files(self._folder / namespace)


def _load_parts(path: Path) -> list[_Part]:
    try:
        with large_images_allowed():
            # process=True would give wrong texture coordinates at seams.
            scene = trimesh.load_scene(path, resolver=_Files(path.parent), process=False)
            return [part for node in scene.graph.nodes_geometry for part in _placed(scene, node)]
    # Broken files make trimesh raise exceptions of many kinds.
    except Exception as error:
        reason = printable(str(error)) or type(error).__name__
        raise InputError(f'mesh {path} cannot be read: {reason}') from error


def _placed(scene: Any, node: str) -> list[_Part]:
    """Return the faces of a node of a scene; nothing for a point cloud.

    `scene.dump` would copy images as well, and decode them for that.
    """
    transform, name = scene.graph[node]
    geometry = scene.geometry[name]
    if not len(getattr(geometry, 'faces', ())):
        return []
    # A mirror turns the faces, too.
    placed = trimesh.Trimesh(geometry.vertices, geometry.faces, process=False)
    placed.apply_transform(transform)
    return [_Part(np.asarray(placed.vertices), np.asarray(placed.faces), geometry.visual)]


def _textures(parts: list[_Part], path: Path) -> tuple[list[Texture], list[int]]:
    """Return textures, and the number of each part's."""
    textures: list[Texture] = []
    numbers, known = [], {}
    for part in parts:
        material = getattr(part.visual, 'material', None)
        image = getattr(material, 'baseColorTexture', None) or getattr(material, 'image', None)
        key = id(material) if image is None else id(image)
        if key not in known:
            known[key] = len(textures)
            textures.append(_plain(material) if image is None else _image(image, path))
        numbers.append(known[key])
    return textures, numbers


def _plain(material: Any) -> Colour:
    colour = getattr(material, 'main_color', None)
    if colour is None:
        return _GREY
    r, g, b = (int(value) for value in np.asarray(colour)[:3])
    return r, g, b


def _image(image: Any, path: Path) -> bytes | NDArray[np.uint8]:
    """Return the content of the file that an image was opened from, or its pixels.

    Decoded here, all images would be in memory twice.
    """
    stream = getattr(image, 'fp', None)
    if isinstance(stream, io.BytesIO):
        return stream.getvalue()
    with refused_as_texture_of(path):
        refuse_too_large(image.size, path.stat().st_size)
        return rgb_pixels(image)


def _uvs_of(part: _Part) -> NDArray[np.float64] | None:
    uvs = getattr(part.visual, 'uv', None)
    return None if uvs is None or np.shape(uvs) != (len(part.vertices), 2) else np.asarray(uvs)


def _colours(parts: list[_Part]) -> NDArray[np.uint8] | None:
    """Return the colours [F, 3, 3] of corners, if all parts have colours."""
    found = []
    for part in parts:
        colours = getattr(part.visual, 'vertex_attributes', {}).get('color')
        if getattr(part.visual, 'kind', None) in ('vertex', 'face'):
            colours = part.visual.vertex_colors
        if colours is None or len(colours) != len(part.vertices):
            return None
        found.append(_bytes(np.asarray(colours)[:, :3])[part.faces])
    return np.concatenate(found)


def _bytes(colours: NDArray[Any]) -> NDArray[np.uint8]:
    scale = {'f': 255.0, 'u': 1.0 if colours.dtype.itemsize == 1 else 1 / 257}
    values = np.nan_to_num(colours.astype(np.float64)) * scale.get(colours.dtype.kind, 1.0)
    return (values + 0.5).clip(0, 255).astype(np.uint8)
