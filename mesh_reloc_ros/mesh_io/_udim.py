"""UDIM: textures of several tiles, numbered 1001 + column + 10 row."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import MeshContent, Tiles
from mesh_reloc_ros.mesh_io._text import printable
from mesh_reloc_ros.mesh_io.images import read_texture, refuse_too_large

_TOKEN = re.compile(r'<udim>', re.IGNORECASE)
_FIRST = re.compile(r'(?<!\d)1001(?!\d)')
_GREY = 128


def first_tile(name: str) -> str:
    """Return a texture's name with the number of the first tile for `<UDIM>`."""
    return _TOKEN.sub('1001', name)


def with_tiles(texture: Path) -> Path | Tiles:
    """Return the tiles that a first tile belongs to, or the file if there is no other tile."""
    numbers = list(_FIRST.finditer(texture.name))
    if not numbers:
        return texture
    before, after = texture.name[: numbers[-1].start()], texture.name[numbers[-1].end() :]
    pattern = re.compile(re.escape(before) + r'(1\d\d\d)' + re.escape(after))
    found = (pattern.fullmatch(path.name) for path in texture.parent.iterdir())
    places = {int(match[1]) - 1001: texture.parent / match[0] for match in found if match}
    files = {(place % 10, place // 10): path for place, path in places.items() if place >= 0}
    return Tiles(files) if len(files) > 1 else texture


def fit_tiles(content: MeshContent, path: Path) -> None:
    """Leave out tiles that no face uses, and fit the texture coordinates to the others.

    :raises InputError: a tile is missing.
    """
    for number, texture in enumerate(content.textures):
        if not isinstance(texture, Tiles):
            continue
        faces = np.flatnonzero(
            (content.face_textures == number) & (content.faces[..., 1] >= 0).all(1)
        )
        corners = content.faces[faces, :, 1]
        uvs = content.uvs[corners]
        uvs = uvs[np.isfinite(uvs).all((1, 2)) & (np.abs(uvs) < 100).all((1, 2))]
        needed = np.unique(np.floor(uvs.mean(1, dtype=np.float64)).astype(int), axis=0)
        missing = [(u, v) for u, v in needed.tolist() if (u, v) not in texture.files]
        if missing:
            tile = 1001 + missing[0][0] + 10 * missing[0][1]
            first = printable(next(iter(texture.files.values())))
            raise InputError(f'mesh {path}: UDIM tile {tile} is missing beside {first}')
        extent = np.ceil(uvs.max((0, 1), initial=1.0) - 1e-4)
        used = {place: file for place, file in texture.files.items() if (place < extent).all()}
        content.textures[number] = Tiles(used) if len(used) > 1 else used[0, 0]
        if len(used) > 1:
            some, rows = np.unique(corners, return_inverse=True)
            scale = np.array([Tiles(used).columns, Tiles(used).rows], dtype=np.float32)
            content.faces[faces, :, 1] = len(content.uvs) + rows.reshape(corners.shape)
            content.uvs = np.concatenate((content.uvs, content.uvs[some] / scale))


def read_tiles(tiles: Tiles, mesh: Path) -> NDArray[np.uint8]:
    """Return one texture [H, W, 3] of all tiles, row 0 at the bottom.

    :raises InputError: a tile cannot be read, or the whole is too large.
    """
    images = {place: read_texture(file, mesh) for place, file in tiles.files.items()}
    height = max(image.shape[0] for image in images.values())
    width = max(image.shape[1] for image in images.values())
    try:
        refuse_too_large((width * tiles.columns, height * tiles.rows), width * height)
    except InputError as error:
        raise InputError(f'mesh {mesh}: the whole of its UDIM tiles {error}') from error
    whole = np.full((height * tiles.rows, width * tiles.columns, 3), _GREY, dtype=np.uint8)
    for (column, row), image in images.items():
        top, left = (tiles.rows - 1 - row) * height, column * width
        part = whole[top : top + height, left : left + width]
        part[:] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return whole
