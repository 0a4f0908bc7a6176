"""The demo's sample: the room, the film of it, and the recording."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from evaluation_support.small_film import SMALL
from mesh_reloc_evaluation.painted_room.film import FilmCamera, FilmSettings, shoot
from mesh_reloc_evaluation.painted_room.flight import FLIGHT_SECONDS, Flight
from mesh_reloc_evaluation.painted_room.passerby import WALK_BEGIN
from mesh_reloc_evaluation.painted_room.room.dimensions import HEIGHT, LENGTH, WIDTH
from mesh_reloc_evaluation.painted_room.sample import make_sample
from rosbags.highlevel import AnyReader

from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import pose_to_numbers

RED_DISC = np.array([2.399, WIDTH - 0.015, 1.818])
"""Middle of the disc on the poster at the brick wall, metres in the map."""


def decoded(shot):
    bgr = cv2.imdecode(np.frombuffer(shot.jpeg, dtype=np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


@pytest.fixture(scope='module')
def scene(sample):
    return Scene.load(sample.mesh, 'cpu')


@pytest.fixture(scope='module')
def film_camera(sample):
    return FilmCamera(sample.mesh, replace(SMALL, seconds=FLIGHT_SECONDS))


def test_the_mesh_has_a_texture_for_each_of_many_materials(sample, scene):
    materials = sample.mesh.with_suffix('.mtl').read_text().count('newmtl')
    assert len(scene.mesh.textures) == materials >= 6
    assert all(min(texture.shape[:2]) > 128 for texture in scene.mesh.textures)
    assert all(texture.std() > 10 for texture in scene.mesh.textures)
    assert 5_000 < len(scene.mesh.faces) < 30_000
    np.testing.assert_allclose(scene.mesh.vertices.min(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(scene.mesh.vertices.max(axis=0), (LENGTH, WIDTH, HEIGHT), atol=0.05)


def test_the_room_has_no_holes(scene):
    for seconds in (0.0, 5.0, FLIGHT_SECONDS):
        render = scene.render(torch.from_numpy(Flight().pose(seconds)), SMALL.camera)
        assert render.mask.all()


def test_a_known_point_is_where_the_true_pose_says(film_camera):
    shot = film_camera.take(45)
    in_camera = np.linalg.inv(shot.map_T_camera) @ (*RED_DISC, 1)
    column, row = SMALL.camera.project(torch.from_numpy(in_camera[:3])).round().int().tolist()
    red, green, blue = decoded(shot)[row - 1 : row + 2, column - 1 : column + 2].mean(axis=(0, 1))
    assert red > 2 * green
    assert red > 2 * blue


def test_the_true_pose_is_that_of_the_middle_of_the_exposure(film_camera):
    shot = film_camera.take(30)
    assert shot.stamp_ns % 1_000_000_000 == 0
    np.testing.assert_allclose(shot.map_T_camera, Flight().pose(2.0))


def test_the_same_film_is_taken_every_time(film_camera):
    assert film_camera.take(7).jpeg == film_camera.take(7).jpeg


def test_other_processes_take_the_same_film(sample):
    settings = replace(SMALL, seconds=0.15)
    here, there = ([*shoot(sample.mesh, settings, workers)] for workers in (0, 1))
    assert [image.jpeg for image in here] == [image.jpeg for image in there]
    assert [image.stamp_ns for image in here] == [image.stamp_ns for image in there]
    assert len(here) == 2


def test_a_passer_by_comes_and_covers_part_of_the_view(film_camera):
    first = int(WALK_BEGIN * SMALL.images_per_second)
    covered = [film_camera.take(first + 5 * step).covered for step in range(12)]
    assert covered[0] == covered[-1] == 0
    assert 0.15 < max(covered) < 0.5


def test_motion_blurs_the_film(sample):
    """A long exposure of a moving camera has weaker edges than a short one."""
    edges = []
    for exposure_s in (0.001, 0.06):
        settings = FilmSettings(width=320, height=240, exposure_s=exposure_s, renders=5)
        image = decoded(FilmCamera(sample.mesh, settings).take(75))
        edges.append(cv2.Laplacian(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.CV_32F).std())
    assert edges[1] < 0.9 * edges[0]


def test_exposure_and_white_balance_drift(scene, film_camera):
    gains = []
    for number in (0, 30):
        shot = film_camera.take(number)
        render = scene.render(torch.from_numpy(shot.map_T_camera), SMALL.camera).colour[0].numpy()
        gains.append(np.median(decoded(shot) / 255 / np.maximum(render, 0.05), axis=(0, 1)))
    red, green, blue = gains[1] / gains[0]
    assert abs(green - 1) > 0.05
    assert abs(red / blue - 1) > 0.05


def test_the_recording_holds_images_camera_and_truth(sample):
    truth = read_tum(sample.truth)
    with ImageBag(sample.bag) as bag:
        frames = list(bag.frames())
    assert [frame.stamp_ns for frame in frames] == truth.stamps_ns.tolist()
    assert (np.diff(truth.stamps_ns) > 0).all()
    assert len(frames) == len(sample.covered()) == 24
    for frame in frames:
        assert frame.camera == SMALL.camera
        assert frame.image.shape == (240, 320, 3)
    with AnyReader([sample.bag]) as reader:
        poses = [c for c in reader.connections if c.topic == '/ground_truth/pose']
        _, stamp_ns, data = next(reader.messages(poses))
        message = reader.deserialize(data, poses[0].msgtype)
    assert stamp_ns == truth.stamps_ns[0]
    position, quaternion = message.pose.position, message.pose.orientation
    numbers = [position.x, position.y, position.z]
    numbers += [quaternion.x, quaternion.y, quaternion.z, quaternion.w]
    np.testing.assert_allclose(numbers, pose_to_numbers(truth.poses[0]), atol=1e-6)


def test_a_sample_is_made_again_unless_it_is_complete_and_up_to_date(sample, demo_folder):
    assert 'another' not in (sample.folder / 'sample.json').read_text()
    assert not (demo_folder / 'sample.part').exists()
    before = {path: path.stat().st_mtime_ns for path in sample.folder.rglob('*')}
    assert make_sample(sample.folder, SMALL) == sample
    assert {path: path.stat().st_mtime_ns for path in sample.folder.rglob('*')} == before
