"""The mesh in metres and upright."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.origin import about_origin
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.viewpoints import up_vector


@dataclass(frozen=True)
class Placement:
    """Takes a point p of the input to `scale * rotation @ p + translation`, metres."""

    scale: float = 1.0
    rotation: Array = field(default_factory=lambda: np.eye(3))
    """[3, 3]."""
    translation: Array = field(default_factory=lambda: np.zeros(3))
    """[3]."""

    def __call__(self, points: Array) -> Array:
        """Return points [..., 3] of the input where they come to be."""
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)


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


def turned_up(scale: float, up_axis: str, origin: Array | None) -> Placement:
    """Return the placement that turns an axis of the input to z.

    :param origin: [3], the point of the input that becomes zero; None: zero stays.
    """
    turned = Placement(scale, _to_z(up_vector(up_axis)))
    if origin is None:
        return turned
    return dataclasses.replace(turned, translation=-turned(origin))


def placed(mesh: TexturedMesh, placement: Placement) -> TexturedMesh:
    """Return the mesh at its place, about an origin of its own if that is far from zero."""
    turned = placement.scale * mesh.vertices.astype(np.float64) @ placement.rotation.T
    vertices, origin = about_origin(turned + placement(mesh.origin), mesh.faces)
    return dataclasses.replace(mesh, vertices=vertices, origin=origin)


def _to_z(up: Array) -> Array:
    """Return the rotation [3, 3] that turns an axis to z, and another axis to x."""
    right = np.roll(np.abs(up), 1)
    if np.abs(up)[2]:
        right = np.array([1.0, 0.0, 0.0])
    return np.stack((right, np.cross(up, right), up))
