"""Small textured meshes in memory, and cameras and poses to see them with."""

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

# The principal point lies off the centre, and images are not square, as in real cameras.
CAMERAS = {
    'landscape': Camera(width=160, height=96, fx=150.0, fy=150.0, cx=79.5, cy=47.5),
    'off centre': Camera(width=160, height=96, fx=140.0, fy=170.0, cx=51.3, cy=60.8),
    'portrait': Camera(width=72, height=120, fx=130.0, fy=118.0, cx=43.2, cy=49.6),
    'odd': Camera(width=101, height=67, fx=90.0, fy=96.0, cx=55.25, cy=30.1),
}


def quad(corners, texture: NDArray[np.uint8], uvs=((0, 0), (1, 0), (1, 1), (0, 1))) -> TexturedMesh:
    """Return two triangles between four corners, with the texture's bottom left at the first."""
    return TexturedMesh(
        vertices=np.array(corners, dtype=np.float32),
        faces=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        uvs=np.array(uvs, dtype=np.float32),
        face_materials=np.zeros(2, dtype=np.int32),
        textures=[texture],
    )


def frontal_quad(texture: NDArray[np.uint8], depth: float, width: float, height: float):
    """Return a quad across the z axis with the texture upright for a camera at the origin."""
    x, y = width / 2, height / 2
    return quad(((-x, y, depth), (x, y, depth), (x, -y, depth), (-x, -y, depth)), texture)


def joined(*meshes: TexturedMesh) -> TexturedMesh:
    """Return one mesh of several, each with its own materials."""
    vertices = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    materials = np.cumsum([0] + [len(mesh.textures) for mesh in meshes])
    return TexturedMesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([m.faces + v for m, v in zip(meshes, vertices[:-1], strict=True)]),
        uvs=np.concatenate([mesh.uvs for mesh in meshes]),
        face_materials=np.concatenate(
            [m.face_materials + n for m, n in zip(meshes, materials[:-1], strict=True)]
        ),
        textures=[texture for mesh in meshes for texture in mesh.textures],
    )


def noise(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def clutter() -> TexturedMesh:
    """Return some 1,600 faces of two materials: a ball and a box before a bumpy wall."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.6)
    ball.apply_translation((-0.4, 0.1, 2.5))
    box = trimesh.creation.box((0.5, 0.7, 0.4))
    box.apply_transform(trimesh.transformations.euler_matrix(0.4, 0.7, 0.2))
    box.apply_translation((0.7, 0.2, 2.2))
    side = np.linspace(-3, 3, 13)
    x, y = np.meshgrid(side, side)
    z = 4 + 0.3 * np.sin(2 * x) * np.cos(1.5 * y)
    corner = np.arange(12)[:, None] * 13 + np.arange(12)
    a, b, c, d = (corner.ravel() + offset for offset in (0, 1, 14, 13))
    wall = trimesh.Trimesh(
        np.stack((x, y, z), axis=-1).reshape(-1, 3),
        np.concatenate((np.stack((a, b, c), axis=1), np.stack((a, c, d), axis=1))),
        process=False,
    )
    return joined(_mapped(ball, 1), _mapped(box, 2), _mapped(wall, 3))


def _mapped(shape: trimesh.Trimesh, seed: int) -> TexturedMesh:
    """Return a shape with a texture laid on along z."""
    xy = shape.vertices[:, :2]
    low, high = xy.min(0), xy.max(0)
    return TexturedMesh(
        vertices=shape.vertices.astype(np.float32),
        faces=shape.faces.astype(np.int32),
        uvs=((xy - low) / (high - low)).astype(np.float32),
        face_materials=np.zeros(len(shape.faces), dtype=np.int32),
        textures=[noise(64, 96, seed)],
    )


def poses(count: int, seed: int, metres: float = 0.2, radians: float = 0.15) -> Tensor:
    """Return poses [count, 4, 4] float64 near the origin, looking along z."""
    generator = torch.Generator().manual_seed(seed)
    sigma = torch.tensor([metres] * 3 + [radians] * 3, dtype=torch.float64)
    return se3.exp(sigma * torch.randn(count, 6, generator=generator, dtype=torch.float64))
