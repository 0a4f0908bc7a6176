"""Smaller textures."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh


def with_small_textures(mesh: TexturedMesh, side: int) -> TexturedMesh:
    """Return the mesh with textures that are at most `side` pixels wide and high."""
    return dataclasses.replace(mesh, textures=[_shrunk(page, side) for page in mesh.textures])


def _shrunk(page: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = page.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return page
    size = (max(round(scale * width), 1), max(round(scale * height), 1))
    return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA))
