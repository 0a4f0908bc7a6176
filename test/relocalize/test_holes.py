"""Holes in a mesh, as photogrammetry leaves them, cost hardly any of its features."""

from dataclasses import replace

import numpy as np
import pytest
from support.small_room import SmallRoom

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.relocalize._feature_map import FeatureMap, filled, map_features
from mesh_reloc_ros.relocalize._surface_views import surface_views
from mesh_reloc_ros.render.scene import Scene

COUNT = 6
SEED = 3


def in_small_faces(mesh: TexturedMesh, times: int) -> TexturedMesh:
    """Return the mesh with each face in four, so many times."""
    vertices, uvs, faces = mesh.vertices, mesh.uvs, mesh.faces
    for _ in range(times):
        corners = np.concatenate((vertices, uvs), axis=1)[faces]
        middles = (corners + np.roll(corners, -1, axis=1)) / 2
        a, b, c = corners.transpose(1, 0, 2)
        ab, bc, ca = middles.transpose(1, 0, 2)
        small = np.stack(((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)))
        joined = small.transpose(2, 0, 1, 3).reshape(-1, 5)
        vertices, uvs = np.float32(joined[:, :3]), np.float32(joined[:, 3:])
        faces = np.arange(len(joined), dtype=np.int32).reshape(-1, 3)
    materials = np.repeat(mesh.face_materials, 4**times)
    return replace(mesh, vertices=vertices, uvs=uvs, faces=faces, face_materials=materials)


def without_some(mesh: TexturedMesh, share: float) -> TexturedMesh:
    kept = np.random.default_rng(SEED).random(len(mesh.faces)) >= share
    return replace(mesh, faces=mesh.faces[kept], face_materials=mesh.face_materials[kept])


@pytest.fixture(scope='module')
def whole(room: SmallRoom) -> Scene:
    return Scene(in_small_faces(room.scene.mesh, 6), 'cpu')


@pytest.fixture(scope='module')
def holed(whole: Scene) -> Scene:
    return Scene(without_some(whole.mesh, 0.1), 'cpu')


@pytest.fixture(scope='module')
def maps(whole: Scene, holed: Scene) -> tuple[FeatureMap, FeatureMap]:
    views = surface_views(whole, COUNT)
    return map_features(whole, views), map_features(holed, views)


def test_most_features_stay_where_they_were(maps: tuple[FeatureMap, FeatureMap]):
    before, after = maps
    gaps = [
        np.linalg.norm(after.points[after.views == view] - point, axis=-1).min(initial=np.inf)
        for view, point in zip(before.views, before.points, strict=True)
    ]
    assert len(after) > 0.8 * len(before)
    assert np.mean(np.array(gaps) < 0.02) > 0.5


def test_a_hole_takes_the_colours_around_it_and_the_rest_stays():
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (90, 1))
    mask = np.ones(ramp.shape, dtype=bool)
    mask[40:46, 50:57] = False
    image = filled(np.where(mask, ramp, 0).astype(np.uint8), mask)
    assert (image[mask] == ramp[mask]).all()
    assert np.abs(image[~mask].astype(int) - ramp[~mask]).max() <= 6


def test_nothing_known_is_black():
    assert not filled(np.zeros((48, 64), np.uint8), np.zeros((48, 64), dtype=bool)).any()
