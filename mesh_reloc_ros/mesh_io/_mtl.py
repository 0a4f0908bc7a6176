"""The materials of OBJ files, read here because libraries silently skip unknown entries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import Colour, Texture
from mesh_reloc_ros.mesh_io._names import find_file, readings, spellings_of_material, split_names
from mesh_reloc_ros.mesh_io._text import decoded, printable
from mesh_reloc_ros.mesh_io._udim import first_tile, with_tiles
from mesh_reloc_ros.mesh_io.images import missing_texture

_STATEMENT = re.compile(r'\s*(newmtl|map_Kd|Kd)(?:\s+(.*?))?\s*$', re.IGNORECASE)
_GREY = (102, 102, 102)


@dataclass
class _Material:
    colour: Colour
    texture: str
    """Value of its map_Kd line; empty: no texture."""
    folder: Path
    """Of its MTL file."""


@dataclass
class Materials:
    """The materials in the MTL files of a mesh."""

    path: Path
    """The OBJ file."""
    by_name: dict[str, _Material] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Names of MTL files that were not found."""

    def names_of(self, used: list[str]) -> list[str | None]:
        """Return the name here of each name in a usemtl line, spelled otherwise or not.

        A mesh with a single material need not name it.
        """
        if used == [''] and len(self.by_name) == 1:
            return list(self.by_name)
        alike = {key: name for name in self.by_name for key in spellings_of_material(name)}

        def known(name: str) -> str | None:
            if name in self.by_name:
                return name
            return next((alike[key] for key in spellings_of_material(name) if key in alike), None)

        return [known(name) for name in used]

    def texture(self, name: str) -> Texture:
        """Return the texture file, the tiles or the plain colour of a material.

        :raises InputError: the texture is missing.
        """
        material = self.by_name[name]
        if not material.texture:
            return material.colour
        names = [first_tile(reading) for reading in readings(material.texture)]
        file = find_file(names, [self.path.parent, material.folder])
        if file is None:
            raise missing_texture(self.path.parent / names[-1].replace('\\', '/'), self.path)
        return with_tiles(file)

    @property
    def problem(self) -> str:
        """Why a material of the mesh may not be here."""
        if self.missing:
            return f'MTL file {printable(self.missing[0])} is missing: put it beside the mesh'
        if not self.files:
            return 'it names no MTL file: export OBJ together with MTL'
        return f'not in its MTL file {", ".join(printable(file.name) for file in self.files)}'


def read_materials(path: Path, libraries: list[str]) -> Materials:
    """Read the MTL files of an OBJ file; those that are missing may not be needed.

    :param libraries: values of its mtllib lines.
    :raises InputError: an MTL file cannot be read.
    """
    materials = Materials(path)
    for line in libraries:
        found, missing = split_names(line, [path.parent])
        materials.files += found
        materials.missing += missing
    for file in materials.files:
        materials.by_name.update(_read_library(file, path))
    return materials


def _read_library(library: Path, path: Path) -> dict[str, _Material]:
    try:
        lines = decoded(library.read_bytes()).splitlines()
    except OSError as error:
        raise InputError(
            f'mesh {path}: MTL file {printable(library)} cannot be read ({error.strerror})'
        ) from error
    materials: dict[str, _Material] = {}
    material = _Material(_GREY, '', library.parent)
    for keyword, value in (match.groups('') for match in map(_STATEMENT.match, lines) if match):
        if keyword.lower() == 'newmtl':
            material = materials[value] = _Material(_GREY, '', library.parent)
        elif keyword.lower() == 'map_kd':
            material.texture = value
        else:
            material.colour = _colour(value)
    return materials


def _colour(text: str) -> Colour:
    """Return the RGB bytes of a Kd line (0 to 1), or grey if it is not three numbers."""
    try:
        r, g, b = (round(255 * min(max(float(word), 0.0), 1.0)) for word in text.split()[:3])
    except ValueError:
        return _GREY
    return r, g, b
