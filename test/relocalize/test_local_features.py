"""The camera is found by local features alone."""

import cv2
import numpy as np
import pytest
from support.relocalizers import assert_found
from support.small_room import (
    CAMERA,
    SmallRoom,
    clouds,
    error,
    looking,
    photographed,
    pose_at,
    small_room_mesh,
    turned,
    twice,
)

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize._thumbnails import Thumbnails
from mesh_reloc_ros.relocalize.features import Extractor, Features, sift
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer, make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

PLACES = {
    'by the box': pose_at(0),
    'from the left': looking((-1.4, -1.2, 1.8), heading_deg=50.0, down_deg=15.0),
    'from above': looking((-0.5, -1.0, 2.6), heading_deg=60.0, down_deg=45.0),
}


@pytest.fixture(autouse=True)
def no_thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other source of poses propose none."""
    monkeypatch.setattr(Thumbnails, 'propose', lambda self, frame: np.zeros((0, 4, 4)))


def relocalizer_of(scene: Scene, extract: Extractor = sift, views: int = 20) -> Relocalizer:
    settings = RelocalizationSettings(max_viewpoints=views)
    return make_relocalizer(scene, settings, AlignmentSettings(), mesh=None, extract=extract)


@pytest.fixture(scope='module')
def relocalizer(room: SmallRoom) -> Relocalizer:
    return relocalizer_of(room.scene)


@pytest.mark.parametrize('place', PLACES.values(), ids=PLACES)
def test_it_is_found(relocalizer: Relocalizer, room: SmallRoom, place: np.ndarray):
    assert_found(relocalizer, photographed(room.view(place), seed=1), place)


def test_it_is_found_on_its_side_in_other_light_and_half_covered(
    relocalizer: Relocalizer, room: SmallRoom
):
    rolled = pose_at(20)
    rolled[:3, :3] = rolled[:3, :3] @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    dim = photographed(room.view(rolled), 2, gain=(0.5, 0.6, 0.45), offset=(30.0, 10.0, 20.0))
    assert_found(relocalizer, dim, rolled)
    covered = photographed(room.view(pose_at(0)), seed=1)
    covered[:, :130] = clouds(seed=50)[:240, :130]
    assert_found(relocalizer, covered, pose_at(0))


def test_nothing_is_found_in_images_of_something_else(relocalizer: Relocalizer):
    for seed in range(100, 104):
        frame = Frame(1, clouds(seed)[:240, :320].copy(), CAMERA)
        assert relocalizer.locate(frame) is None


@pytest.mark.parametrize('every', [2, 5])
def test_it_is_found_where_neighbouring_faces_are_turned_differently(room: SmallRoom, every: int):
    scene = Scene(turned(small_room_mesh(), every), 'cpu')
    relocalizer = relocalizer_of(scene)
    for place in PLACES.values():
        assert_found(relocalizer, photographed(room.view(place), seed=1), place)


def test_two_rooms_that_look_alike_are_not_told_apart(room: SmallRoom):
    scene = Scene(twice(small_room_mesh(), 100.0), 'cpu')
    relocalizer = relocalizer_of(scene, views=40)
    shown = Frame(1, photographed(room.view(pose_at(0)), seed=1), CAMERA)
    voted = relocalizer._features.propose(shown, 4)
    x = [pose.map_T_camera[0, 3] for pose in voted]
    assert min(x) < 50 < max(x)
    assert relocalizer.locate(shown) is None
    hinted = relocalizer.locate(shown, InitialPose(pose_at(2)))
    assert hinted is not None
    assert error(hinted.pose, pose_at(0))[0] < 0.01


def patches(grey: np.ndarray, count: int) -> Features:
    """Return corners with the pixels around them: neither sizes nor angles."""
    corners = cv2.goodFeaturesToTrack(grey, count, 0.01, 4)
    smooth = cv2.GaussianBlur(grey, (0, 0), 2).astype(np.float32)
    pixels = np.zeros((0, 2)) if corners is None else corners[:, 0].astype(np.float64)
    around = np.stack(np.meshgrid(*[np.arange(-14, 15, 4)] * 2), -1).reshape(-1, 2)
    places = (pixels[:, None] + around).astype(np.float32)
    values = cv2.remap(smooth, *cv2.split(places), cv2.INTER_LINEAR)
    return Features.of_arrays(pixels, values - values.mean(1, keepdims=True))


def test_features_of_another_kind_find_it_too(room: SmallRoom):
    """Also of a kind that knows neither size nor angle, as learned ones."""
    relocalizer = relocalizer_of(room.scene, patches, views=30)
    assert_found(relocalizer, photographed(room.view(pose_at(0)), seed=1), pose_at(0))
