"""Where the mesh is looked at from: in a room, and around an object."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from support.small_room import SmallRoom, clouds

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.relocalize._viewpoints import sample_viewpoints
from mesh_reloc_ros.render.scene import Scene

SETTINGS = RelocalizationSettings(max_viewpoints=1500)


def scene_of(mesh: trimesh.Trimesh) -> Scene:
    vertices = mesh.vertices.astype(np.float32)
    faces = mesh.faces.astype(np.int32)
    uvs = np.zeros((len(vertices), 2), dtype=np.float32)
    materials = np.zeros(len(faces), dtype=np.int32)
    return Scene(TexturedMesh(vertices, faces, uvs, materials, [clouds(seed=1)]), 'cpu')


def test_a_room_is_seen_from_inside():
    box = trimesh.creation.box((4.0, 6.0, 3.0))
    box.invert()
    places = sample_viewpoints(scene_of(box), SETTINGS)
    assert len(places) > 100
    assert (np.abs(places) < (2.0, 3.0, 1.5)).all()
    # Everywhere in it there is one near by.
    inside = np.random.default_rng(1).uniform(-1, 1, (500, 3)) * (1.6, 2.6, 1.1)
    nearest = np.linalg.norm(inside[:, None] - places, axis=-1).min(1)
    assert nearest.max() < 0.6


def test_an_object_is_seen_from_all_around_near_and_far():
    places = sample_viewpoints(scene_of(trimesh.creation.icosphere(3, 0.5)), SETTINGS)
    distance = np.linalg.norm(places, axis=1)
    assert (distance > 0.5).all()
    directions = places / distance[:, None]
    for axis in np.vstack((np.eye(3), -np.eye(3))):
        beside = distance[directions @ axis > 0.8]
        assert beside.min() < 0.9
        assert beside.max() > 2.0
    # Near by they are closer together than far off.
    gaps = np.linalg.norm(places[:, None] - places + 1e9 * np.eye(len(places))[..., None], axis=-1)
    near = gaps.min(1)[distance < 1.0]
    far = gaps.min(1)[distance > 2.5]
    assert np.median(near) < 0.5 * np.median(far)


def test_there_are_no_more_than_asked_for_and_more_make_it_denser(room: SmallRoom):
    truth = np.random.default_rng(2).uniform((-1.5, -1.5, 0.7), (0.5, 0.5, 2.0), (200, 3))
    gaps = []
    for count in (60, 600, 3000):
        places = sample_viewpoints(room.scene, replace(SETTINGS, max_viewpoints=count))
        assert 0 < len(places) <= count
        gaps.append(np.linalg.norm(truth[:, None] - places, axis=-1).min(1).mean())
    assert gaps[0] > 1.5 * gaps[1] > 1.5 * gaps[2] * 0.8
    assert gaps[2] == pytest.approx(0.1, abs=0.1)


def test_it_is_the_same_every_time(room: SmallRoom):
    settings = replace(SETTINGS, viewpoint_spacing=0.4)
    first, again = (sample_viewpoints(room.scene, settings) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_mesh_that_is_only_seen_from_behind_has_no_viewpoints_inside_of_it():
    box = scene_of(trimesh.creation.box((4.0, 6.0, 3.0)))
    places = sample_viewpoints(box, SETTINGS)
    assert len(places) > 100
    assert not (np.abs(places) < (2.0, 3.0, 1.5)).all(axis=1).any()
