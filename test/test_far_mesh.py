"""A mesh with coordinates far from zero: tracked about its origin, with poses in the map."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from mesh_reloc_evaluation.obj_file import write_obj
from support.small_room import CAMERA, SmallRoom, photographed, pose_at, small_room_mesh

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted

UTM = np.array([500_123.25, 4_649_776.5, 312.0])
S = 10**9


@pytest.fixture(scope='module')
def far_room(tmp_path_factory) -> Path:
    """Return the small room, moved far away."""
    path = tmp_path_factory.mktemp('far') / 'room.obj'
    write_obj(path, dataclasses.replace(small_room_mesh(), origin=UTM))
    return path


def test_the_mesh_keeps_its_shape(far_room):
    mesh, near = load_mesh(far_room), small_room_mesh()
    assert np.abs(mesh.origin - UTM).max() < 5
    assert (mesh.origin % 1 == 0).all()
    found = mesh.vertices[mesh.faces].astype(np.float64) + mesh.origin - UTM
    np.testing.assert_allclose(found, near.vertices[near.faces], atol=2e-6)
    assert any('far from zero' in notice for notice in mesh.notices)


def frames(room: SmallRoom) -> list[Frame]:
    return [
        Frame(round(s * S), photographed(room.view(pose_at(20 * s)), round(10 * s)), CAMERA)
        for s in (0.0, 0.1, 0.2)
    ]


def test_poses_are_those_of_the_mesh_near_zero_moved(room, far_room):
    images = frames(room)
    near = Pipeline(room.scene)
    far = Pipeline(Scene.load(far_room, 'cpu'))
    expected = list(near.run(images, start=pose_at(0)))
    found = list(far.run(images, start=shifted(pose_at(0), UTM)))
    for one, other in zip(expected, found, strict=True):
        assert one.trusted
        assert other.trusted
        np.testing.assert_allclose(shifted(other.map_T_camera, -UTM), one.map_T_camera, atol=2e-4)
        np.testing.assert_allclose(other.covariance, one.covariance, rtol=0.1, atol=1e-9)
    # What starts from the last pose goes on from there.
    far.resume()
    assert far.track(dataclasses.replace(images[-1], stamp_ns=9 * S)).trusted
    overlays = [
        draw_overlay(pipeline.scene, images[0], estimates[0], latency_ms=1.0)
        for pipeline, estimates in ((near, expected), (far, found))
    ]
    difference = np.abs(overlays[0].astype(int) - overlays[1])
    assert (difference > 20).mean() < 0.01


def test_without_a_pose_there_is_no_place_in_the_map(far_room, room):
    far = Pipeline(Scene.load(far_room, 'cpu'))
    far.start_at(shifted(pose_at(0), UTM))
    images = frames(room)
    far.track(images[1])
    stale = far.track(images[0])
    np.testing.assert_array_equal(stale.map_T_camera, np.eye(4))


def test_reference_cameras_are_given_in_the_map(far_room, monkeypatch):
    given = {}

    def make_relocalizer(scene, settings, alignment, path, cameras, progress):
        given['cameras'], given['origin'] = cameras, scene.mesh.origin

    monkeypatch.setattr('mesh_reloc_ros.pipeline.make_relocalizer', make_relocalizer)
    cameras = np.stack([pose_at(0), pose_at(1)])
    settings = build(Settings, {'device': 'cpu', 'rasterizer': 'embree'})
    Pipeline.load(far_room, settings, reference_cameras=shifted(cameras, UTM))
    np.testing.assert_allclose(shifted(given['cameras'], given['origin'] - UTM), cameras, atol=1e-9)


def moved_text(path: Path) -> str:
    """Return the text of an OBJ file, moved far away."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith('v '):
            moved = np.array([float(word) for word in line.split()[1:4]]) + UTM
            lines[number] = 'v ' + ' '.join(f'{x:.6f}' for x in moved)
    return '\n'.join(lines) + '\n'


def test_a_kitchen_far_away_gives_the_same_poses(shared_data: Path, tmp_path: Path):
    """As near as rounding allows: moved by 3 m, single poses differ by up to 0.15 cm as well."""
    folder = shared_data / 'redkitchen'
    for name in ('mesh.mtl', 'mesh.jpg'):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / 'mesh.obj').write_text(moved_text(folder / 'mesh.obj'))
    with ImageBag(folder / 'clip_bag') as bag:
        truth = bag.ground_truth()
        images = [frame for frame in bag.frames(0, 3.0) if frame.stamp_ns in truth.stamps_ns][::6]
    starts = truth.poses[np.isin(truth.stamps_ns, [image.stamp_ns for image in images])]
    positions = []
    for mesh, offset in ((folder, np.zeros(3)), (tmp_path, UTM)):
        pipeline = Pipeline(Scene.load(mesh / 'mesh.obj'))
        for image, start in zip(images, starts, strict=True):
            pipeline.start_at(shifted(start, offset))
            estimate = pipeline.localize(image)
            assert estimate.trusted
            positions.append(estimate.map_T_camera[:3, 3] - offset)
    near, far = np.array(positions).reshape(2, -1, 3)
    difference = np.linalg.norm(near - far, axis=1)
    assert len(difference) >= 14
    assert np.median(difference) < 0.0002
    assert difference.max() < 0.003
