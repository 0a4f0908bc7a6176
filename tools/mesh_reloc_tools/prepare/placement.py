"""The mesh in metres and upright."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.viewpoints import up_vector


def scale_of(distances: Sequence[Sequence[float]]) -> tuple[float, list[float]]:
    """Return the scale that fits known distances best, and by how many metres each is off then.

    :param distances: two points in the coordinates of the file, then their distance in metres.
    :raises InputError: the points are equal, or a distance is not positive.
    """
    numbers = np.array(distances, dtype=np.float64)
    lengths = np.linalg.norm(numbers[:, 3:6] - numbers[:, :3], axis=1)
    metres = numbers[:, 6]
    if not (np.isfinite(numbers).all() and (lengths > 0).all() and (metres > 0).all()):
        raise InputError('--distance: give two different points, and a distance above zero')
    scale = float((lengths * metres).sum() / (lengths**2).sum())
    return scale, (scale * lengths - metres).tolist()


def placed(mesh: TexturedMesh, scale: float, up_axis: str) -> TexturedMesh:
    """Return the mesh scaled, and turned so that z is up.

    :param up_axis: what is up now.
    """
    turn = _to_z(up_vector(up_axis))
    vertices = scale * mesh.vertices.astype(np.float64) @ turn.T
    return dataclasses.replace(
        mesh, vertices=vertices.astype(np.float32), origin=scale * turn @ mesh.origin
    )


def _to_z(up: Array) -> Array:
    """Return the rotation [3, 3] that turns an axis to z, and another axis to x."""
    right = np.roll(np.abs(up), 1)
    if np.abs(up)[2]:
        right = np.array([1.0, 0.0, 0.0])
    return np.stack((right, np.cross(up, right), up))
