"""What a mesh file holds, before it is made into a `TexturedMesh`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
"""RGB, 0 to 255."""


@dataclass(frozen=True)
class Tiles:
    """Images that cover texture coordinates beyond 0 to 1 (UDIM)."""

    files: dict[tuple[int, int], Path]
    """By column and row; (0, 0) covers 0 to 1, rows count upwards."""

    @property
    def columns(self) -> int:
        """Number of columns."""
        return 1 + max(column for column, _ in self.files)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return 1 + max(row for _, row in self.files)


Texture = Path | Tiles | bytes | Colour | NDArray[np.uint8]
"""A texture file, tiles, the content of an image file, a plain colour, or RGB [H, W, 3]."""


@dataclass
class MeshContent:
    """Faces of a mesh file, with an index for each corner."""

    vertices: NDArray[np.float32]
    """[V, 3], about `origin`, metres."""
    origin: NDArray[np.float64]
    """[3], in the map, metres."""
    uvs: NDArray[np.float32]
    """[T, 2]."""
    faces: NDArray[np.int32]
    """[F, 3, 2], vertex and texture coordinate of each corner; -1: no texture coordinate."""
    face_textures: NDArray[np.int32]
    """[F], index of `textures`; -1: none."""
    textures: list[Texture]
    colours: NDArray[np.uint8] | None = None
    """[F, 3, 3], RGB of each corner, if the file has colours of vertices or faces."""
    problems: list[str] = field(default_factory=list)
    """Why faces have no texture."""
    notices: list[str] = field(default_factory=list)
    """What users should know."""
