"""Checks the material files of an OBJ, as readers leave out silently what is missing there."""

from __future__ import annotations

import re
from pathlib import Path

import PIL.Image

from mesh_reloc_ros.errors import InputError

_LIBRARY = re.compile(rb'^[ \t]*mtllib[ \t]+(.+?)[ \t\r]*$', re.MULTILINE)
_USED = re.compile(rb'^[ \t]*usemtl[ \t]+(.+?)[ \t\r]*$', re.MULTILINE)
_TEXTURE = re.compile(r'\s*map_Kd\s+(.+?)\s*$', re.IGNORECASE)
_MATERIAL = re.compile(r'\s*newmtl\s+(.+?)\s*$', re.IGNORECASE)


def check_materials(path: Path) -> None:
    """Check that every material of an OBJ file is described, and that every texture can be read.

    :raises InputError: a material file, a material or a texture is missing or unreadable.
    """
    content = path.read_bytes()
    used = {name.decode(errors='replace') for name in _USED.findall(content)}
    libraries = [name.decode(errors='replace') for name in _LIBRARY.findall(content)]
    if not used or not libraries:
        raise InputError(
            f'mesh {path} names no MTL file with its materials: texture the mesh (see the README),'
            ' and export OBJ together with MTL'
        )
    textures: dict[str, str] = {}
    for library in libraries:
        textures.update(_textures(path.parent / library, path))
    for name in sorted(used):
        if name not in textures:
            raise InputError(
                f'mesh {path}: material {name} is not in its MTL file {", ".join(libraries)}'
            )
        if textures[name]:
            _check_texture(path.parent / textures[name], path)


def _textures(library: Path, path: Path) -> dict[str, str]:
    """Return the texture's file name by material, '' where it has none."""
    try:
        lines = library.read_text(errors='replace').splitlines()
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


def _check_texture(texture: Path, path: Path) -> None:
    if not texture.is_file():
        raise InputError(
            f'mesh {path}: texture {texture} is missing: put it beside the mesh, under the name in'
            ' the MTL file'
        )
    try:
        with PIL.Image.open(texture) as image:
            image.load()
    except OSError as error:
        raise InputError(
            f'mesh {path}: texture {texture} cannot be read ({error}): save it as PNG or JPEG'
        ) from error
