"""Read OBJ files with MTL and textures.

The text, millions of lines, is parsed block by block in compiled code. Supported are `v`, `vt`,
`f`, `usemtl` and `mtllib`, with negative indices, polygons and line continuation. Vertex colours
and all other lines are ignored.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.obj_scan import number_pairs, scan
from mesh_reloc_ros.mesh_io.mtl import read_materials, read_textures
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh, no_texture_coordinates
from mesh_reloc_ros.progress import Progress, silent

BLOCK_BYTES = 1 << 20
_LONGEST_LINE = 1 << 24
_NONE = -1


@dataclass(frozen=True)
class _ObjText:
    """The content of an OBJ file."""

    vertices: NDArray[np.float32]
    """[V, 3]."""
    uvs: NDArray[np.float32]
    """[T, 2]."""
    faces: NDArray[np.int32]
    """[F, 3, 2], vertex and texture coordinate of each corner; -1: no texture coordinate."""
    face_materials: NDArray[np.int32]
    """[F], indices of `materials`; -1: before the first usemtl line."""
    materials: list[str]
    """Names in usemtl lines, in order of their first line."""
    libraries: list[str]
    """Names of MTL files."""


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


def parse_obj(path: Path, progress: Progress = silent) -> _ObjText:
    """Parse an OBJ file. Polygons become triangle fans.

    :raises InputError: the file or a face cannot be read, or a face index is out of range.
    """
    reader = _Reader()
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    try:
        size = path.stat().st_size
        with path.open('rb') as file:
            for block in _blocks(file):
                reader.read(block)
                progress(stage, min(file.tell() / size, 0.99))
        content = reader.content()
    except (OSError, ValueError) as error:
        raise InputError(f'mesh {path} cannot be read: {error}') from error
    progress(stage, 1.0)
    return content


def joined_corners(
    faces: NDArray[np.int32], vertices: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Index the distinct pairs of vertex and texture coordinate.

    :param faces: [F, 3, 2], of an `_ObjText`. :param vertices: number of vertices in the file.
    :returns: faces [F, 3] as indices of pairs, and the pairs [N, 2].
    """
    numbers = np.empty(faces.shape[:2], dtype=np.int32)
    pairs = np.empty((3 * len(faces), 2), dtype=np.int32)
    count = number_pairs(faces, np.full(vertices, _NONE, dtype=np.int32), numbers, pairs)
    return numbers, pairs[:count].copy()


class _Reader:
    """Collects the content of the blocks of a file."""

    def __init__(self) -> None:
        self._vertices: list[NDArray[np.float32]] = []
        self._uvs: list[NDArray[np.float32]] = []
        self._faces: list[NDArray[np.int32]] = []
        self._counts = np.zeros(2, dtype=np.int64)
        self._materials: dict[str, int] = {}
        self._libraries: list[str] = []
        self._material = _NONE
        self._runs: list[tuple[int, int]] = []

    def read(self, block: bytes) -> None:
        """Read a block of complete lines.

        :raises ValueError: a face cannot be read.
        """
        # Upper bounds for this number of bytes; pages are allocated only when they are written.
        vertices = np.empty((len(block) // 2, 3), dtype=np.float32)
        uvs = np.empty((len(block) // 3, 2), dtype=np.float32)
        faces = np.empty((len(block) // 2, 3, 2), dtype=np.int32)
        statements = np.empty((len(block) // 2, 2), dtype=np.int64)
        text = np.frombuffer(block, dtype=np.uint8)
        v, t, f, s, unreadable = scan(text, self._counts, vertices, uvs, faces, statements)
        if unreadable >= 0:
            line = block[unreadable : unreadable + 80].splitlines()[0].decode(errors='replace')
            raise ValueError(f'cannot parse the line "{line}"')
        self._vertices.append(vertices[:v].copy())
        self._uvs.append(uvs[:t].copy())
        self._faces.append(faces[:f].copy())
        self._counts += (v, t)
        self._follow(block, statements[:s].tolist(), f)

    def _follow(self, block: bytes, statements: list[list[int]], faces: int) -> None:
        """Record material names, material libraries, and the material of each face."""
        before = 0
        for start, face in statements:
            line = block[start : block.index(b'\n', start)].decode(errors='replace')
            keyword, _, name = line.replace('\t', ' ').partition(' ')
            if keyword == 'mtllib':
                self._libraries.append(name.strip())
            elif keyword == 'usemtl':
                self._runs.append((self._material, face - before))
                self._material = self._materials.setdefault(name.strip(), len(self._materials))
                before = face
        self._runs.append((self._material, faces - before))

    def content(self) -> _ObjText:
        """Return the content read so far.

        :raises ValueError: a face index is out of range.
        """
        faces = np.concatenate([np.empty((0, 3, 2), dtype=np.int32), *self._faces])
        self._faces.clear()
        for column, kind in enumerate(('vertex', 'texture coordinate')):
            count, largest = self._counts[column], faces[..., column].max(initial=_NONE)
            if largest >= count:
                raise ValueError(f'a face has {kind} {largest + 1}, and there are {count}')
        materials, lengths = np.array([(_NONE, 0), *self._runs], dtype=np.int32).T
        return _ObjText(
            vertices=np.concatenate([np.empty((0, 3), dtype=np.float32), *self._vertices]),
            uvs=np.concatenate([np.empty((0, 2), dtype=np.float32), *self._uvs]),
            faces=faces,
            face_materials=np.repeat(materials, lengths),
            materials=list(self._materials),
            libraries=self._libraries,
        )


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in blocks of complete lines, with continued lines joined.

    :raises ValueError: a line is too long for an OBJ file.
    """
    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    while block := file.read(BLOCK_BYTES):
        line = file.readline(_LONGEST_LINE)
        block += line
        while block[-3:].rstrip().endswith(b'\\') and line:
            line = file.readline(_LONGEST_LINE)
            block += line
        if len(line) == _LONGEST_LINE:
            raise ValueError(f'it has a line of {_LONGEST_LINE} characters')
        if b'\\' in block:
            block = block.replace(b'\\\r\n', b' ').replace(b'\\\n', b' ')
        yield block + b'\n'
