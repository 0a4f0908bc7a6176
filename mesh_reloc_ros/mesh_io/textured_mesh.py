"""The textured triangle mesh that all mesh formats are read into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with textures. Vertices on texture seams are duplicated."""

    vertices: NDArray[np.float32]
    """[V, 3], metres, about `origin`."""
    faces: NDArray[np.int32]
    """[F, 3], indices of vertices."""
    uvs: NDArray[np.float32]
    """[V, 2], texture coordinates; (0, 0) is the bottom-left corner of the image, as in OBJ."""
    face_materials: NDArray[np.int32]
    """[F], texture index of each face."""
    textures: list[NDArray[np.uint8]]
    """RGB [H, W, 3]; materials with the same image share one texture. One of a single texel is a
    plain colour: its faces hide what is behind them, and are not aligned with."""
    origin: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    """[3], metres, in the map frame. Not zero if the mesh is so far from the map's zero that
    float32 would lose its shape."""
    notices: tuple[str, ...] = ()
    """What users should know of the file, a line each."""
    is_atlas: bool = True
    """Whether texels that no face covers mean nothing."""

    def about_zero(self) -> TexturedMesh:
        """Return the mesh moved to zero by its origin."""
        return replace(self, origin=np.zeros(3))

    @property
    def is_plain(self) -> NDArray[np.bool_]:
        """[F]: faces without texture, of a plain colour."""
        plain = np.array([texture.shape[:2] == (1, 1) for texture in self.textures])
        found: NDArray[np.bool_] = plain[self.face_materials]
        return found
