"""Read PLY files: textures by page, texture coordinates of corners or vertices, colours.

trimesh reads only the last page, and drops which page a face has.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import MeshContent, Texture
from mesh_reloc_ros.mesh_io._names import find_file, readings
from mesh_reloc_ros.mesh_io._ply_file import Element, Lists, Numbers, PlyFile, parse_ply
from mesh_reloc_ros.mesh_io._text import printable
from mesh_reloc_ros.mesh_io.images import missing_texture
from mesh_reloc_ros.mesh_io.origin import NEAR_M, about_origin, as_float32
from mesh_reloc_ros.progress import Progress, silent

_UV_NAMES = (('texture_u', 'texture_v'), ('u', 'v'), ('s', 't'))
_RGB_NAMES = (
    ('red', 'green', 'blue'),
    ('r', 'g', 'b'),
    ('diffuse_red', 'diffuse_green', 'diffuse_blue'),
)
_NONE = -1


def read_ply(path: Path, progress: Progress = silent) -> MeshContent:
    """Read a PLY file.

    :raises InputError: the file cannot be read, a texture is missing, or its pages are not given.
    """
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    try:
        file = parse_ply(path)
    except (OSError, ValueError) as error:
        raise InputError(f'mesh {path} cannot be read: {printable(str(error))}') from error
    vertex, face = file.elements.get('vertex'), file.elements.get('face')
    polygons = None if face is None else _first(face.lists, ('vertex_indices', 'vertex_index'))
    if vertex is None or face is None or polygons is None or not {*'xyz'} <= vertex.columns.keys():
        raise InputError(f'mesh {path} has no faces')
    polygon, corners = _triangles(polygons)
    vertices = polygons.values[corners].astype(np.int64)
    if vertices.size and not 0 <= vertices.min() <= vertices.max() < vertex.count:
        raise InputError(f'mesh {path} cannot be read: a face has a vertex that does not exist')
    uvs, uv_corners = _uvs(vertex, face, polygons, corners, vertices)
    positions = np.stack([vertex.columns[axis] for axis in 'xyz'], axis=1)
    about, origin = about_origin(positions, vertices)
    textures, face_textures = _pages(path, file, face, polygon)
    progress(stage, 1.0)
    return MeshContent(
        about,
        origin,
        uvs,
        np.stack((vertices, uv_corners), axis=-1).astype(np.int32),
        face_textures,
        textures,
        colours=_colours(vertex, face, polygon, vertices),
        notices=_rounding(positions),
    )


def _triangles(polygons: Lists) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the polygon [F] of each triangle, and where its corners [F, 3] are in the lists."""
    count = np.maximum(polygons.lengths - 2, 0)
    polygon = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(polygon)) - np.repeat(np.cumsum(count) - count, count)
    first = polygons.starts[polygon]
    return polygon, np.stack((first, first + within + 1, first + within + 2), axis=1)


def _uvs(
    vertex: Element,
    face: Element,
    polygons: Lists,
    corners: NDArray[np.int64],
    vertices: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return texture coordinates [T, 2] and their index [F, 3] for each corner."""
    wedges = face.lists.get('texcoord')
    if wedges is not None:
        # A face without texture has no coordinates, or of another number.
        fits = wedges.lengths == 2 * polygons.lengths
        offset = wedges.starts - 2 * polygons.starts
        owner = np.repeat(np.arange(len(fits)), polygons.lengths)
        index = np.where(fits, offset, 0)[owner] // 2 + np.arange(len(owner))
        uvs = as_float32(wedges.values[: len(wedges.values) // 2 * 2].reshape(-1, 2))
        # An odd number of values before a list would shift its pairs.
        is_even = (wedges.starts % 2 == 0) & fits
        return uvs, np.where(is_even[owner], index, _NONE)[corners]
    names = next((names for names in _UV_NAMES if {*names} <= vertex.columns.keys()), None)
    if names is None:
        return np.zeros((0, 2), dtype=np.float32), np.full_like(vertices, _NONE)
    return as_float32(np.stack([vertex.columns[name] for name in names], axis=1)), vertices


def _pages(
    path: Path, file: PlyFile, face: Element, polygon: NDArray[np.int64]
) -> tuple[list[Texture], NDArray[np.int32]]:
    """Return the textures that faces use, and the texture of each face [F].

    :raises InputError: a texture is missing, or there are several and faces do not say which.
    """
    number = face.columns.get('texnumber')
    if number is None and len(file.textures) > 1:
        raise InputError(
            f'mesh {path} names {len(file.textures)} textures, but not which face has which'
            ' (texnumber): export it as OBJ, or with one texture'
        )
    numbers = np.zeros(face.count) if number is None else np.nan_to_num(number.astype(np.float64))
    numbers = np.where((numbers >= 0) & (numbers < len(file.textures)), numbers, _NONE)
    page = numbers.astype(np.int32)[polygon]
    textures: list[Texture] = []
    texture_of = np.full(len(file.textures) + 1, _NONE, dtype=np.int32)
    for used in np.unique(page[page >= 0]).tolist():
        names = readings(file.textures[used])
        found = find_file(names, [path.parent])
        if found is None:
            raise missing_texture(path.parent / names[-1].replace('\\', '/'), path)
        texture_of[used] = len(textures)
        textures.append(found)
    return textures, texture_of[page]


def _colours(
    vertex: Element, face: Element, polygon: NDArray[np.int64], vertices: NDArray[np.int64]
) -> NDArray[np.uint8] | None:
    """Return the colours [F, 3, 3] of corners, from vertices or else from faces."""
    for element, index in ((vertex, vertices), (face, np.repeat(polygon[:, None], 3, axis=1))):
        names = next((names for names in _RGB_NAMES if {*names} <= element.columns.keys()), None)
        if names is not None:
            found: NDArray[np.uint8] = _bytes([element.columns[name] for name in names])[index]
            return found
    return None


def _bytes(channels: list[Numbers]) -> NDArray[np.uint8]:
    """Return colours [N, 3] of integers, or of floats of 0 to 1 or to 255."""
    values = np.nan_to_num(np.stack(channels, axis=1).astype(np.float32))
    kind = channels[0].dtype
    if kind.kind == 'f':
        scale = 255.0 if values.max(initial=0.0) <= 1.0 else 1.0
    else:
        scale = 1.0 if kind.itemsize == 1 else 1 / 257
    return (values * scale + 0.5).clip(0, 255).astype(np.uint8)


def _first(lists: dict[str, Lists], names: tuple[str, ...]) -> Lists | None:
    return next((lists[name] for name in names if name in lists), None)


def _rounding(positions: Numbers) -> list[str]:
    """Return what to know if coordinates were rounded when the file was written."""
    largest = np.abs(positions).max(initial=0)
    if positions.dtype.itemsize > 4 or not NEAR_M * 10 < largest < np.inf:
        return []
    step = float(np.spacing(np.float32(largest)))
    return [
        f'its coordinates of up to {largest:,.0f} are stored as 32-bit numbers, in steps of'
        f' {step:.2g}: export it with 64-bit coordinates, or about an origin'
    ]
