"""Whether the winding of the faces is believed."""

from dataclasses import replace

import numpy as np
import pytest
from support.small_room import small_room_mesh, turned

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.mesh_io.winding import fronts_are_known

# Two triangles for each side of a cube, seen from outside.
CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
CUBE = np.array([face for a, b, c, d in QUADS for face in ((a, b, c), (a, c, d))], dtype=np.int32)


def cubes(count: int) -> TexturedMesh:
    """Return cubes side by side: 12 sharp convex edges each."""
    places = np.arange(count, dtype=np.float32)[:, None, None] * (2, 0, 0)
    return TexturedMesh(
        vertices=(CORNERS + places).reshape(-1, 3).astype(np.float32),
        faces=(CUBE + 8 * np.arange(count, dtype=np.int32)[:, None, None]).reshape(-1, 3),
        uvs=np.zeros((8 * count, 2), dtype=np.float32),
        face_materials=np.zeros(12 * count, dtype=np.int32),
        textures=[np.zeros((4, 4, 3), dtype=np.uint8)],
    )


def with_seams(mesh: TexturedMesh) -> TexturedMesh:
    """Return the mesh with vertices of their own for each face."""
    corners = mesh.faces.reshape(-1)
    return replace(
        mesh,
        vertices=mesh.vertices[corners],
        uvs=mesh.uvs[corners],
        faces=np.arange(len(corners), dtype=np.int32).reshape(-1, 3),
    )


@pytest.mark.parametrize('split', [False, True], ids=['joined', 'with seams'])
def test_it_is_believed_where_the_sharp_edges_are_convex(split: bool):
    mesh = cubes(20)
    assert fronts_are_known(with_seams(mesh) if split else mesh)


@pytest.mark.parametrize('split', [False, True], ids=['joined', 'with seams'])
def test_it_is_not_if_all_faces_are_turned(split: bool):
    mesh = turned(cubes(20), every=1)
    assert not fronts_are_known(with_seams(mesh) if split else mesh)


@pytest.mark.parametrize('every', [2, 5])
def test_it_is_not_where_neighbours_disagree(every: int):
    assert not fronts_are_known(turned(cubes(20), every))


def test_a_few_edges_say_nothing():
    # As many sharp edges are convex as concave.
    assert fronts_are_known(small_room_mesh())
    assert fronts_are_known(turned(cubes(1), every=1))


def test_faces_without_neighbours_are_believed():
    one = replace(cubes(1), faces=CUBE[:1])
    assert fronts_are_known(one)
    assert fronts_are_known(replace(one, faces=CUBE[:0]))
