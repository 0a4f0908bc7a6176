"""The materials of OBJ files, read here because libraries silently skip unknown entries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.images import Colour, one_texel, read_texture
from mesh_reloc_ros.progress import Progress, silent

_STATEMENT = re.compile(r'\s*(newmtl|map_Kd|Kd)\s+(.+?)\s*$', re.IGNORECASE)
_GREY = (102, 102, 102)


def read_materials(path: Path, names: list[str], libraries: list[str]) -> list[Path | Colour]:
    """Return the texture file or the plain RGB colour of each material that an OBJ file uses.

    :raises InputError: a material or a material file is missing or unreadable.
    """
    if not names or not libraries:
        raise InputError(
            f'mesh {path} names no material of an MTL file: texture the mesh'
            ' (see docs/from_photographs.md), and export OBJ together with MTL'
        )
    materials: dict[str, Path | Colour] = {}
    for library in libraries:
        materials.update(_read_library(path.parent / library, path))
    for name in names:
        if name not in materials:
            raise InputError(
                f'mesh {path}: material {name} is not in its MTL file {", ".join(libraries)}'
            )
    return [materials[name] for name in names]


def read_textures(
    path: Path, sources: list[Path | Colour], progress: Progress = silent
) -> list[NDArray[np.uint8]]:
    """Return textures RGB [H, W, 3]; a plain colour becomes a texture of one texel.

    :raises InputError: a texture is missing or unreadable.
    """
    stage = 'reading textures'
    textures = []
    for number, source in enumerate(sources):
        progress(stage, number / len(sources))
        textures.append(
            read_texture(source, path) if isinstance(source, Path) else one_texel(source)
        )
    progress(stage, 1.0)
    return textures


def _read_library(library: Path, path: Path) -> dict[str, Path | Colour]:
    try:
        lines = library.read_text('utf-8-sig', errors='replace').splitlines()
    except OSError as error:
        raise InputError(
            f'mesh {path}: MTL file {library} is missing or unreadable: put it beside the mesh'
        ) from error
    materials: dict[str, Path | Colour] = {}
    name = ''
    for keyword, value in (match.groups() for match in map(_STATEMENT.match, lines) if match):
        if keyword.lower() == 'newmtl':
            name = value
            materials[name] = _GREY
        elif keyword.lower() == 'map_kd':
            materials[name] = path.parent / _file_name(value, path.parent)
        elif not isinstance(materials.get(name), Path):
            materials[name] = _colour(value)
    return materials


def _colour(text: str) -> Colour:
    """Return the RGB bytes of a Kd line (0 to 1), or grey if it is not three numbers."""
    try:
        r, g, b = (round(255 * min(max(float(word), 0.0), 1.0)) for word in text.split()[:3])
    except ValueError:
        return _GREY
    return r, g, b


def _file_name(text: str, folder: Path) -> str:
    """Return the file name of a map_Kd line; options may precede it, and it may contain spaces."""
    return text if (folder / text).is_file() or not text.startswith('-') else text.split()[-1]
