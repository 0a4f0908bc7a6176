"""The camera is found by thumbnails alone, and nothing is found in images of something else."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from support.relocalizers import assert_found
from support.small_room import (
    CAMERA,
    SmallRoom,
    clouds,
    error,
    looking,
    perturbed,
    photographed,
    pose_at,
    small_room_mesh,
    twice,
)

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import UP_AXES, RelocalizationSettings
from mesh_reloc_ros.relocalize._local_features import LocalFeatures
from mesh_reloc_ros.relocalize._pose_votes import VotedPose
from mesh_reloc_ros.relocalize._thumbnails import Thumbnails, up_axis
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer, make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import pose_from_numbers

SETTINGS = RelocalizationSettings(viewpoint_spacing=0.4)
PLACES = {
    'by the box': pose_at(0),
    'farther on': pose_at(25),
    'from the left': looking((-1.4, -1.2, 1.8), heading_deg=50.0, down_deg=15.0),
    'near the wall': looking((1.0, 0.6, 1.2), heading_deg=100.0, down_deg=5.0),
    'from above': looking((-0.5, -1.0, 2.6), heading_deg=60.0, down_deg=45.0),
}


@pytest.fixture(autouse=True)
def no_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other source of poses propose none."""
    monkeypatch.setattr(LocalFeatures, 'propose', lambda self, frame, count: [])


@pytest.fixture(scope='module')
def relocalizer(room: SmallRoom) -> Relocalizer:
    return make_relocalizer(room.scene, SETTINGS, AlignmentSettings(), mesh=None)


def rolled(pose: np.ndarray, degrees: float) -> np.ndarray:
    turned = pose.copy()
    turned[:3, :3] = pose[:3, :3] @ Rotation.from_euler('z', degrees, degrees=True).as_matrix()
    return turned


@pytest.mark.parametrize('place', PLACES.values(), ids=PLACES)
def test_a_level_camera_is_found(relocalizer, room, place):
    assert_found(relocalizer, photographed(room.view(place), seed=1), place)


@pytest.mark.parametrize('degrees', [-100.0, 40.0, 180.0])
def test_a_camera_of_any_roll_is_found(relocalizer, room, degrees):
    pose = rolled(PLACES['farther on'], degrees)
    assert_found(relocalizer, photographed(room.view(pose), seed=1), pose)


def test_other_light_does_not_matter(relocalizer, room):
    image = photographed(
        room.view(pose_at(0)), seed=1, gain=(0.5, 0.6, 0.45), offset=(30.0, 10.0, 20.0)
    )
    assert_found(relocalizer, image, pose_at(0))


def test_a_part_of_the_view_may_be_covered(relocalizer, room):
    image = photographed(room.view(pose_at(0)), seed=1)
    image[:, :100] = clouds(seed=50)[:240, :100]
    found = relocalizer.locate(Frame(1, image, CAMERA))
    assert found is not None
    assert error(found.pose, pose_at(0))[0] < 0.01


def test_a_pose_with_many_matches_that_the_image_disagrees_with_rules_out_no_other(
    relocalizer, room, monkeypatch
):
    """As if a part of the mesh were elsewhere in the image, too, in full view."""
    wrong = VotedPose(perturbed(pose_at(0), 1, metres=1.0, degrees=40.0), 2.0, 200)
    right = VotedPose(pose_at(0), 2.0, 50)
    monkeypatch.setattr(LocalFeatures, 'propose', lambda self, frame, count: [wrong, right])
    monkeypatch.setattr(Thumbnails, 'propose', lambda self, frame: np.zeros((0, 4, 4)))
    assert_found(relocalizer, photographed(room.view(pose_at(0)), seed=1), pose_at(0))


def test_images_of_something_else_are_not_found(relocalizer):
    rng = np.random.default_rng(3)
    others = [clouds(seed)[:240, :320] for seed in range(100, 102)]
    others.append(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8))
    others.append(np.full((240, 320, 3), 90, dtype=np.uint8))
    assert [relocalizer.locate(Frame(1, image, CAMERA)) for image in others] == [None] * len(others)


def test_two_places_that_look_alike_are_not_told_apart(room: SmallRoom):
    """Two such rooms side by side: which one it is cannot be known."""
    double = Scene(twice(small_room_mesh(), 20.0), 'cpu')
    relocalizer = make_relocalizer(double, SETTINGS, AlignmentSettings(), mesh=None)
    shown = Frame(1, photographed(room.view(pose_at(0)), 1), CAMERA)
    assert relocalizer.locate(shown) is None
    hinted = relocalizer.locate(shown, InitialPose(pose_at(2)))
    assert hinted is not None
    assert error(hinted.pose, pose_at(0))[0] < 0.01


@pytest.mark.parametrize('seed', range(3))
def test_a_hint_that_is_far_off_leads_there(relocalizer, room, seed):
    hint = perturbed(pose_at(0), seed, metres=0.25, degrees=10.0)
    shown = Frame(1, photographed(room.view(pose_at(0)), seed), CAMERA)
    found = relocalizer.locate(shown, InitialPose(hint))
    assert found is not None
    assert error(found.pose, pose_at(0))[0] < 0.01


def test_cameras_of_a_reconstruction_take_the_place_of_viewpoints(room):
    cameras = pose_from_numbers((-0.2, -1.4, 1.4, 0, 0, 0, 1))[None]
    relocalizer = make_relocalizer(
        room.scene, SETTINGS, AlignmentSettings(), mesh=None, reference_cameras=cameras
    )
    assert_found(relocalizer, photographed(room.view(pose_at(0)), seed=1), pose_at(0))


def test_another_camera_may_follow(relocalizer, room):
    other = Camera(width=400, height=200, fx=350.0, fy=350.0, cx=199.5, cy=99.5)

    for camera in (other, CAMERA):
        render = room.scene.render(torch.from_numpy(pose_at(0)), camera).colour[0]
        image = (255 * render).round().to(torch.uint8).numpy()
        found = relocalizer.locate(Frame(1, image, camera))
        assert found is not None
        assert error(found.pose, pose_at(0))[0] < 0.01


def test_from_cameras_that_see_nothing_nothing_is_found(room):
    cameras = pose_from_numbers((500, 500, 500, 0, 0, 0, 1))[None]
    relocalizer = make_relocalizer(
        room.scene, SETTINGS, AlignmentSettings(), mesh=None, reference_cameras=cameras
    )
    assert relocalizer.locate(Frame(1, photographed(room.view(pose_at(0)), 1), CAMERA)) is None


def test_up_axes_are_directions():
    assert up_axis('any') is None
    axes = [up_axis(name) for name in UP_AXES if name != 'any']
    np.testing.assert_array_equal(np.abs(axes).sum(1), 1)
    assert len({tuple(axis) for axis in axes}) == 6
    np.testing.assert_array_equal(up_axis('-y'), (0, -1, 0))
