"""A small textured room to render: floor, two walls, and a box."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# One corner of each rectangle and its two sides, in metres; z is up.
_RECTANGLES = (
    ((-2.5, -2.0, 0.0), (5.0, 0, 0), (0, 4.5, 0)),
    ((-2.5, 2.5, 0.0), (5.0, 0, 0), (0, 0, 3.0)),
    ((2.5, 2.5, 0.0), (0, -4.5, 0), (0, 0, 3.0)),
    ((-0.5, 0.8, 0.0), (0.9, 0, 0), (0, 0, 0.9)),
    ((0.4, 0.8, 0.0), (0, 0.8, 0), (0, 0, 0.9)),
    ((-0.5, 0.8, 0.9), (0.9, 0, 0), (0, 0.8, 0)),
)
_TEXELS = 512


def corner_mesh() -> TexturedMesh:
    """Return the room, each surface with a texture of its own."""
    vertices, faces, uvs = [], [], []
    for number, rectangle in enumerate(_RECTANGLES):
        corner, along, up = (np.array(vector) for vector in rectangle)
        vertices += [corner, corner + along, corner + along + up, corner + up]
        uvs += [(0, 0), (1, 0), (1, 1), (0, 1)]
        faces += [np.array(triangle) + 4 * number for triangle in ((0, 1, 2), (0, 2, 3))]
    return TexturedMesh(
        vertices=np.array(vertices, dtype=np.float32),
        faces=np.array(faces, dtype=np.int32),
        uvs=np.array(uvs, dtype=np.float32),
        face_materials=np.repeat(np.arange(len(_RECTANGLES), dtype=np.int32), 2),
        textures=[_clouds(seed) for seed in range(len(_RECTANGLES))],
    )


def corner_pose(share: float) -> NDArray[np.float64]:
    """Return map_T_camera [4, 4] on a path through the room; `share` of it is 0 to 1."""
    pose = np.eye(4)
    heading = Rotation.from_euler('z', -25 + 20 * share + 3 * np.sin(9 * share), degrees=True)
    # Optical axes of a camera that looks along y: x right, y down, z forward.
    level = Rotation.from_matrix(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]))
    tilt = Rotation.from_euler('xz', (-12 + 3 * np.cos(7 * share), 4 * np.sin(5 * share)), True)
    pose[:3, :3] = (heading * level * tilt).as_matrix()
    pose[:3, 3] = (-1.0 + 1.2 * share, -1.7 + 0.4 * share, 1.4 + 0.1 * np.sin(6 * share))
    return pose


def _clouds(seed: int) -> NDArray[np.uint8]:
    """Return coloured clouds of several sizes, [H, W, 3]."""
    rng = np.random.default_rng((50, seed))
    image = np.full((_TEXELS, _TEXELS, 3), 125.0)
    for cells, weight in ((6, 28.0), (20, 24.0), (70, 16.0)):
        grid = rng.normal(size=(cells, cells, 3))
        image += weight * cv2.resize(grid, (_TEXELS, _TEXELS), interpolation=cv2.INTER_CUBIC)
    return np.asarray(image.clip(0, 255).astype(np.uint8))
