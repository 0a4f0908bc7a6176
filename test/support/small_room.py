"""The small room of the evaluation package as a file, and what a camera sees of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from mesh_reloc_evaluation import random_pose
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_evaluation.small_room import (
    CAMERA,
    clouds,
    looking,
    photographed,
    pose_at,
    rendered,
    small_room_mesh,
)
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import distance

__all__ = [
    'CAMERA',
    'SmallRoom',
    'clouds',
    'error',
    'looking',
    'perturbed',
    'photographed',
    'pose_at',
    'small_room_mesh',
    'turned',
    'twice',
    'write_small_room',
]


@dataclass(frozen=True)
class SmallRoom:
    """The mesh file and what the camera sees of it."""

    mesh: Path

    @cached_property
    def scene(self) -> Scene:
        return Scene.load(self.mesh, device='cpu')

    def view(self, map_T_camera: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the image [240, 320, 3] at a pose."""
        return rendered(self.scene, map_T_camera)


def write_small_room(folder: Path) -> SmallRoom:
    """Write the mesh as `room.obj`."""
    write_obj(folder / 'room.obj', small_room_mesh())
    return SmallRoom(folder / 'room.obj')


def error(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return the distance in metres and the angle in degrees between two poses [4, 4]."""
    metres, radians = distance(a, b)
    return metres, float(np.degrees(radians))


def perturbed(
    pose: NDArray[np.float64], seed: int, metres: float, degrees: float
) -> NDArray[np.float64]:
    """Return a pose [4, 4] off by this distance and angle, in seeded random directions."""
    return random_pose.perturbed(pose, np.random.default_rng(seed), metres, degrees)


def turned(mesh: TexturedMesh, every: int) -> TexturedMesh:
    """Return a mesh with every n-th face the wrong way round."""
    faces = mesh.faces.copy()
    faces[::every] = faces[::every, ::-1]
    return replace(mesh, faces=faces)


def twice(mesh: TexturedMesh, metres: float) -> TexturedMesh:
    """Return a mesh with a second copy beside it, this far along x."""
    beside = mesh.vertices + np.array((metres, 0, 0), dtype=np.float32)
    return replace(
        mesh,
        vertices=np.concatenate((mesh.vertices, beside)),
        faces=np.concatenate((mesh.faces, mesh.faces + len(mesh.vertices))),
        uvs=np.concatenate((mesh.uvs, mesh.uvs)),
        face_materials=np.tile(mesh.face_materials, 2),
    )
