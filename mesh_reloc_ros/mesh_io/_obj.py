"""Read OBJ files with MTL and textures.

The text, millions of lines, is parsed block by block in compiled code. Supported are `v` with
colours, `vt`, `f`, `usemtl` and `mtllib`, with negative indices, polygons and line continuation.
All other lines are ignored.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.obj_scan import scan
from mesh_reloc_ros.mesh_io._content import MeshContent, Texture
from mesh_reloc_ros.mesh_io._mtl import Materials, read_materials
from mesh_reloc_ros.mesh_io._text import decoded, encoding_of, printable
from mesh_reloc_ros.mesh_io.origin import about_origin, as_float32, is_near
from mesh_reloc_ros.progress import Progress, silent

BLOCK_BYTES = 1 << 20
_LONGEST_LINE = 1 << 24
_NONE = -1
_LINE_END = re.compile(rb'[\r\n]')


@dataclass(frozen=True)
class _ObjText:
    """The content of an OBJ file."""

    vertices: NDArray[np.float32]
    """[V, 3], about `origin`."""
    origin: NDArray[np.float64]
    """[3]."""
    colours: NDArray[np.float32] | None
    """[V, 3], as in the file; None: it has none."""
    uvs: NDArray[np.float32]
    """[T, 2]."""
    faces: NDArray[np.int32]
    """[F, 3, 2], vertex and texture coordinate of each corner; -1: no texture coordinate."""
    face_materials: NDArray[np.int32]
    """[F], indices of `materials`; -1: before the first usemtl line."""
    materials: list[str]
    """Names in usemtl lines, in order of their first line."""
    libraries: list[str]
    """Values of mtllib lines."""


def read_obj(path: Path, progress: Progress = silent) -> MeshContent:
    """Read an OBJ file with its MTL files.

    :raises InputError: a file is unreadable, a texture is missing, or numbers have decimal commas.
    """
    text = parse_obj(path, progress)
    is_finite = np.isfinite(text.vertices).all() and np.isfinite(text.uvs).all()
    if not is_finite and _has_decimal_commas(path):
        raise InputError(
            f'mesh {path} has numbers with decimal commas: export it again with decimal points'
        )
    library = read_materials(path, text.libraries)
    textures, face_textures, problems = _textures(text, library)
    return MeshContent(
        text.vertices,
        text.origin,
        text.uvs,
        text.faces,
        face_textures,
        textures,
        colours=_corner_colours(text),
        problems=problems,
    )


def parse_obj(path: Path, progress: Progress = silent) -> _ObjText:
    """Parse an OBJ file. Polygons become triangle fans.

    :raises InputError: the file or a face cannot be read, or a face index is out of range.
    """
    reader = _Reader()
    stage = f'reading {path.name}'
    progress(stage, 0.0)
    try:
        size = path.stat().st_size
        with _opened(path) as file:
            for block in _blocks(file):
                reader.read(block)
                progress(stage, min(file.tell() / size, 0.99))
        content = reader.content()
    except (OSError, ValueError) as error:
        raise InputError(f'mesh {path} cannot be read: {printable(str(error))}') from error
    progress(stage, 1.0)
    return content


def _textures(
    text: _ObjText, library: Materials
) -> tuple[list[Texture], NDArray[np.int32], list[str]]:
    """Return the textures, the texture of each face, and why faces have none."""
    used = np.unique(text.face_materials).tolist()
    # Before the first usemtl line, faces have no material.
    written = [text.materials[number] if number >= 0 else '' for number in used]
    problems: list[str] = []
    # One more entry: that of the index -1.
    texture_of = np.full(len(text.materials) + 1, _NONE, dtype=np.int32)
    textures: list[Texture] = []
    for number, name, known in zip(used, written, library.names_of(written), strict=True):
        if known is None:
            material = f'material {printable(name)}' if number >= 0 else 'no usemtl line'
            problems.append(f'{material}: {library.problem}')
            continue
        texture = library.texture(known)
        # Materials that share a texture are merged.
        if texture not in textures:
            textures.append(texture)
        texture_of[number] = textures.index(texture)
    return textures, texture_of[text.face_materials], problems


def _corner_colours(text: _ObjText) -> NDArray[np.uint8] | None:
    """Return the colours [F, 3, 3] of corners: written as 0 to 1, or as 0 to 255."""
    if text.colours is None:
        return None
    corners = text.faces[..., 0]
    largest = text.colours[corners].max(initial=0.0)
    if not np.isfinite(largest):
        return None
    scale = 255.0 if largest <= 1.0 else 1.0
    colours = (np.nan_to_num(text.colours) * scale + 0.5).clip(0, 255).astype(np.uint8)
    found: NDArray[np.uint8] = colours[corners]
    return found


def _has_decimal_commas(path: Path) -> bool:
    with path.open('rb') as file:
        return (
            re.search(rb'^vt?[ \t]+[-+]?\d+,\d', file.read(BLOCK_BYTES), re.MULTILINE) is not None
        )


class _Reader:
    """Collects the content of the blocks of a file."""

    def __init__(self) -> None:
        self._vertices: list[NDArray[np.float32] | NDArray[np.float64]] = []
        self._colours: list[NDArray[np.float32] | int] = []
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
        vertices = np.empty((len(block) // 2, 3), dtype=np.float64)
        colours = np.empty((len(block) // 2, 3), dtype=np.float32)
        uvs = np.empty((len(block) // 3, 2), dtype=np.float32)
        faces = np.empty((len(block) // 2, 3, 2), dtype=np.int32)
        statements = np.empty((len(block) // 2, 2), dtype=np.int64)
        text = np.frombuffer(block, dtype=np.uint8)
        v, t, f, s, unreadable = scan(text, self._counts, vertices, colours, uvs, faces, statements)
        if unreadable >= 0:
            line = block[unreadable : unreadable + 80].splitlines()[0].decode(errors='replace')
            raise ValueError(f'cannot parse the line "{line}"')
        vertices, colours = vertices[:v], colours[:v]
        self._vertices.append(as_float32(vertices) if is_near(vertices) else vertices.copy())
        self._colours.append(v if np.isnan(colours).all() else colours.copy())
        self._uvs.append(uvs[:t].copy())
        self._faces.append(faces[:f].copy())
        self._counts += (v, t)
        self._follow(block, statements[:s].tolist(), f)

    def _follow(self, block: bytes, statements: list[list[int]], faces: int) -> None:
        """Record material names, material libraries, and the material of each face."""
        before = 0
        for start, face in statements:
            line = _LINE_END.split(block[start : block.index(b'\n', start)], 1)[0]
            text = line.decode('utf-8', 'surrogateescape')
            keyword, _, name = text.replace('\t', ' ').partition(' ')
            if keyword.lower() == 'mtllib':
                self._libraries.append(name.strip())
            elif keyword.lower() == 'usemtl':
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
        vertices = np.concatenate([np.empty((0, 3), dtype=np.float32), *self._vertices])
        self._vertices.clear()
        about, origin = about_origin(vertices, faces[..., 0])
        return _ObjText(
            vertices=about,
            origin=origin,
            colours=self._all_colours(),
            uvs=np.concatenate([np.empty((0, 2), dtype=np.float32), *self._uvs]),
            faces=faces,
            face_materials=np.repeat(materials, lengths),
            materials=list(self._materials),
            libraries=self._libraries,
        )

    def _all_colours(self) -> NDArray[np.float32] | None:
        """Return [V, 3], NaN where a vertex has none; None if none has."""
        if all(isinstance(colours, int) for colours in self._colours):
            return None
        parts = [
            np.full((colours, 3), np.nan, dtype=np.float32) if isinstance(colours, int) else colours
            for colours in self._colours
        ]
        return np.concatenate(parts)


def _opened(path: Path) -> BinaryIO:
    """Open a file as UTF-8 without a byte order mark, with line feeds."""
    file = path.open('rb')
    start = file.read(BLOCK_BYTES)
    encoding, mark = encoding_of(start)
    file.seek(mark)
    if encoding == 'utf-8' and (b'\n' in start or b'\r' not in start):
        return file
    with file:
        file.seek(0)
        text = decoded(file.read()).encode('utf-8', 'surrogateescape')
    return io.BytesIO(text.replace(b'\r\n', b'\n').replace(b'\r', b'\n'))


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in blocks of complete lines, with continued lines joined.

    :raises ValueError: a line is too long for an OBJ file.
    """
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
