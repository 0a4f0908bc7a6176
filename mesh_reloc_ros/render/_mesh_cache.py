"""A large mesh is prepared once: what was prepared is cached in a file beside it."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import PIL

from mesh_reloc_ros.array_cache import cache_file, digest_of, read_arrays, write_later
from mesh_reloc_ros.mesh_io.assemble import read_textures
from mesh_reloc_ros.mesh_io.load import read_bare, with_textures
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.render._prepared_mesh import PreparedMesh, prepare

# With fewer texels, those of the mip levels included, little more than a second is gained.
_LEAST_TEXELS = 40_000_000
# What the arrays are computed by.
_PACKAGES = ('kernels', 'mesh_io', 'render')


def load_prepared(
    path: Path, use_cache: bool, progress: Progress = silent
) -> tuple[TexturedMesh, PreparedMesh, str]:
    """Read a mesh file and prepare the mesh, or read what was prepared of it before.

    The mesh file itself is read each time: it tells which files belong to it.

    :param use_cache: use a file beside the mesh.
    :returns: also a hash of the content: of the mesh, and of its texture files.
    :raises InputError: as `load_mesh`.
    """
    bare, sources = read_bare(path, progress)
    arrays = [bare.vertices, bare.faces, bare.uvs, bare.face_materials]
    content = digest_of(arrays, f'{list(sources)} {bare.is_atlas}')
    file, key = cache_file(path, 'prepared'), _key(content)
    if use_cache and file.is_file():
        cached = _read(file, key, bare, progress)
        if cached is not None:
            return with_textures(path, bare, cached.textures), cached, content
    mesh = with_textures(path, bare, read_textures(path, list(sources.values()), progress))
    prepared = prepare(mesh, progress)
    if use_cache and len(prepared.texels) >= _LEAST_TEXELS:
        write_later(file, key, vars(prepared))
    return mesh, prepared, content


def _read(file: Path, key: str, bare: TexturedMesh, progress: Progress) -> PreparedMesh | None:
    stage = 'reading the prepared mesh'
    progress(stage, 0.0)
    arrays = read_arrays(file, key, in_place=True)
    progress(stage, 1.0)
    if arrays is None or set(arrays) != {field.name for field in fields(PreparedMesh)}:
        return None
    cached = PreparedMesh(**arrays)
    return cached if cached.fits(bare) else None


def _key(content: str) -> str:
    """Return a hash of what is prepared: the content, and the code that reads and prepares it."""
    versions = cv2.__version__, PIL.__version__, np.__version__
    return digest_of([], f'{content} {versions} {_code()}')


@functools.cache
def _code() -> str:
    digest = hashlib.blake2b(digest_size=16)
    root = Path(__file__).parents[1]
    for package in _PACKAGES:
        for source in sorted((root / package).glob('*.py')):
            digest.update(source.name.encode() + b'\0' + source.read_bytes() + b'\0')
    return digest.hexdigest()
