"""The material files of an OBJ, read here since readers leave out silently what they miss."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError

_LIBRARY = re.compile(rb'^[ \t]*mtllib[ \t]+(.+?)[ \t\r]*$', re.MULTILINE)
_USED = re.compile(rb'^[ \t]*usemtl[ \t]+(.+?)[ \t\r]*$', re.MULTILINE)
_TEXTURE = re.compile(r'\s*map_Kd\s+(.+?)\s*$', re.IGNORECASE)
_MATERIAL = re.compile(r'\s*newmtl\s+(.+?)\s*$', re.IGNORECASE)


def read_textures(path: Path) -> dict[str, NDArray[np.uint8] | None]:
    """Return the texture of each material that an OBJ file uses, RGB [H, W, 3], or None.

    :raises InputError: a material file, a material or a texture is missing or unreadable.
    """
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    used = {name.decode(errors='replace') for name in _USED.findall(content)}
    libraries = [name.decode(errors='replace') for name in _LIBRARY.findall(content)]
    if not used or not libraries:
        raise InputError(
            f'mesh {path} names no material of an MTL file: texture the mesh (see the README), and'
            ' export OBJ together with MTL'
        )
    files: dict[str, str] = {}
    for library in libraries:
        files.update(_textures(path.parent / library, path))
    for name in sorted(used):
        if name not in files:
            raise InputError(
                f'mesh {path}: material {name} is not in its MTL file {", ".join(libraries)}'
            )
    return {
        name: _read_texture(path.parent / files[name], path) if files[name] else None
        for name in used
    }


def _textures(library: Path, path: Path) -> dict[str, str]:
    """Return the texture's file name by material, '' where it has none."""
    try:
        lines = library.read_text('utf-8-sig', errors='replace').splitlines()
    except OSError as error:
        raise InputError(
            f'mesh {path}: MTL file {library} is missing or unreadable: put it beside the mesh'
        ) from error
    textures: dict[str, str] = {}
    material = ''
    for line in lines:
        if match := _MATERIAL.match(line):
            material = match[1]
            textures[material] = ''
        elif match := _TEXTURE.match(line):
            textures[material] = _file_name(match[1], library.parent)
    return textures


def _file_name(text: str, folder: Path) -> str:
    """Return the file of a map_Kd line, which may have options before it, and spaces in it."""
    return text if (folder / text).is_file() or not text.startswith('-') else text.split()[-1]


def _read_texture(texture: Path, path: Path) -> NDArray[np.uint8]:
    if not texture.is_file():
        raise InputError(
            f'mesh {path}: texture {texture} is missing: put it beside the mesh, under the name in'
            ' the MTL file'
        )
    try:
        with PIL.Image.open(texture) as image:
            return np.asarray(image.convert('RGB'))
    except OSError as error:
        raise InputError(
            f'mesh {path}: texture {texture} cannot be read ({error}): save it as PNG or JPEG'
        ) from error
