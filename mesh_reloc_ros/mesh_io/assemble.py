"""From what a mesh file holds to a textured mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import MeshContent, Texture, Tiles
from mesh_reloc_ros.mesh_io._joining import joined_corners
from mesh_reloc_ros.mesh_io._same_textures import distinct
from mesh_reloc_ros.mesh_io._udim import fit_tiles, read_tiles
from mesh_reloc_ros.mesh_io._vertex_colours import baked
from mesh_reloc_ros.mesh_io.images import (
    large_images_allowed,
    one_texel,
    read_embedded,
    read_texture,
)
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.process import in_threads
from mesh_reloc_ros.progress import Progress, silent

_REMEDY = 'texture the mesh from its photographs (see docs/from_photographs.md)'
_GREY = (102, 102, 102)


def assembled(path: Path, content: MeshContent) -> tuple[TexturedMesh, dict[str, Texture]]:
    """Return the mesh without its textures, and what these are read from.

    Faces that cannot be textured have a plain colour. Colours of vertices become the texture if
    there is no other.

    :returns: the textures each by a hash of its content.
    :raises InputError: no face can be textured.
    """
    if not len(content.faces):
        raise InputError(f'mesh {path} has no faces')
    fit_tiles(content, path)
    faults = _faults(content)
    is_textured = ~np.any(list(faults.values()), axis=0)
    if not is_textured.any():
        return _coloured(path, content, faults)
    _make_plain(content, ~is_textured)
    notices = list(content.notices)
    if not is_textured.all():
        notices.append(
            f'{(~is_textured).sum():,} of {len(is_textured):,} faces have no texture'
            f' ({_listed(faults)}): they hide what is behind them, and are not aligned with'
        )
    faces, corners = joined_corners(content.faces, content.vertices, content.uvs)
    vertices = content.vertices[corners[:, 0]]
    # Plain colours need no texture coordinates; a missing one has the index -1.
    uvs = np.append(content.uvs, np.zeros((1, 2), dtype=np.float32), axis=0)[corners[:, 1]]
    is_used = np.bincount(content.face_textures, minlength=len(content.textures)) > 0
    used = [content.textures[number] for number in np.flatnonzero(is_used)]
    sources, merged = distinct(used)
    numbers = merged[(np.cumsum(is_used) - 1)[content.face_textures]]
    mesh = TexturedMesh(
        vertices, faces, uvs, numbers, [], origin=content.origin, notices=tuple(notices)
    )
    return mesh, sources


def read_textures(
    path: Path, sources: Sequence[Texture], progress: Progress = silent
) -> list[NDArray[np.uint8]]:
    """Return textures RGB [H, W, 3]; a plain colour becomes a texture of one texel.

    :raises InputError: a texture is missing or unreadable.
    """
    stage = 'reading textures'
    textures = []
    progress(stage, 0.0)
    # Allowed here for all threads, since the limit is one of Pillow as a whole.
    with large_images_allowed():
        for texture in in_threads(lambda source: _read_texture(path, source), sources):
            textures.append(texture)
            progress(stage, len(textures) / len(sources))
    return textures


def _read_texture(path: Path, source: Texture) -> NDArray[np.uint8]:
    if isinstance(source, Path):
        return read_texture(source, path)
    if isinstance(source, Tiles):
        return read_tiles(source, path)
    if isinstance(source, bytes):
        return read_embedded(source, path)
    return one_texel(source) if isinstance(source, tuple) else source


def _faults(content: MeshContent) -> dict[str, NDArray[np.bool_]]:
    """Return the faces [F] that cannot be textured, by the reason."""
    is_plain = np.array([isinstance(texture, tuple) for texture in content.textures] + [False])
    number, corners = content.face_textures, content.faces[..., 1]
    none = np.zeros(len(corners), dtype=np.bool_)
    # Whole arrays first: by rows it takes long.
    missing = (corners < 0).any(axis=1) if corners.min() < 0 else none
    not_finite = none
    if not np.isfinite(content.uvs).all():
        broken = ~np.isfinite(content.uvs).all(axis=1)
        not_finite = np.append(broken, False)[corners].any(axis=1)
    return {
        'without a known material': number < 0,
        'of a plain colour': is_plain[number],
        'without texture coordinates': missing,
        'with texture coordinates that are not finite': not_finite,
    }


def _listed(faults: dict[str, NDArray[np.bool_]]) -> str:
    """Return the number of faces by the first reason that holds for each."""
    first = np.argmax(list(faults.values()), axis=0)[np.any(list(faults.values()), axis=0)]
    counts = np.bincount(first, minlength=len(faults)).tolist()
    return ', '.join(f'{n:,} {name}' for n, name in zip(counts, faults, strict=True) if n)


def _make_plain(content: MeshContent, faces: NDArray[np.bool_]) -> None:
    """Give faces [F] a plain colour: their own, or grey."""
    if not faces.any():
        return
    is_image = np.array([not isinstance(texture, tuple) for texture in content.textures] + [True])
    content.faces[faces, :, 1] = -1
    content.face_textures[faces & is_image[content.face_textures]] = len(content.textures)
    content.textures.append(_GREY)


def _coloured(
    path: Path, content: MeshContent, faults: dict[str, NDArray[np.bool_]]
) -> tuple[TexturedMesh, dict[str, Texture]]:
    """Return the mesh with the colours of its vertices.

    :raises InputError: there are none, or all are equal.
    """
    colours = content.colours
    if colours is None or not np.ptp(colours, axis=(0, 1)).any():
        raise _untextured(path, content, faults)
    corners = content.vertices[content.faces[..., 0]]
    texture, uvs = baked(colours, corners)
    count = len(corners)
    sources, numbers = distinct([texture])
    mesh = TexturedMesh(
        corners.reshape(-1, 3),
        np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        uvs.reshape(-1, 2),
        numbers.repeat(count),
        [],
        origin=content.origin,
        notices=(*content.notices, 'the colours of its vertices are used as its texture'),
        is_atlas=False,
    )
    return mesh, sources


def _untextured(
    path: Path, content: MeshContent, faults: dict[str, NDArray[np.bool_]]
) -> InputError:
    """Return the error for a mesh with nothing to align with."""
    nothing = f'mesh {path} has nothing to align with: none of its {len(content.faces):,} faces'
    if content.problems:
        return InputError(f'{nothing} has a texture ({content.problems[0]})')
    if faults['without texture coordinates'].all():
        return InputError(f'mesh {path} has no texture coordinates: {_REMEDY}')
    return InputError(f'{nothing} has a texture ({_listed(faults)}): {_REMEDY}')
