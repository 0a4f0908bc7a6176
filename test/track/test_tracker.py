"""The tracker on images of the small room: states, trust, and what it reports."""

from pathlib import Path

import numpy as np
import pytest
from support.following import BLACK, LOST_AFTER, START_NS, assert_right, path, picture, stamp
from support.meshes import quad
from support.small_room import CAMERA, SmallRoom, clouds, error, looking, perturbed, photographed

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame

INTERVALS_MS = (33, 33, 50, 20, 100, 33, 5, 70, 33, 120, 33, 33)


def test_a_camera_is_followed_whatever_the_intervals(room, tracker):
    ms = 0
    for interval in (0, *INTERVALS_MS):
        ms += interval
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert estimate.rejection is None
        assert estimate.reason == ''
        assert estimate.state is tracker.state is State.TRACKING
        assert estimate.stamp_ns == stamp(ms)
        assert_right(estimate, ms)
        assert 0.9 < estimate.score <= 1
        assert 0.8 < estimate.inlier_ratio <= 1
        assert estimate.coverage > 0.9
        assert estimate.iterations > 0
        stages = {**estimate.stages_ms}
        assert stages.pop('total') >= sum(stages.values()) > 0


def test_a_start_that_is_off_is_made_up_for(room):
    for seed in range(4):
        tracker = Tracker(room.scene, Settings())
        tracker.start_at(perturbed(path(0), seed, metres=0.1, degrees=3.0))
        assert tracker.state is State.INITIALIZING
        estimate = tracker.track(picture(room, 0))
        assert estimate.trusted
        assert_right(estimate, 0)


def test_exposure_may_drift(room, tracker):
    gains = []
    for i in range(12):
        gains.append(0.95**i)
        estimate = tracker.track(picture(room, 33 * i, gain=gains[-1]))
        assert estimate.trusted
        assert_right(estimate, 33 * i)
    assert gains[-1] < 0.6


def test_a_pause_is_bridged(room, tracking):
    """Longer than the motion is extrapolated, while the camera stands still."""
    later = Frame(stamp(5000), photographed(room.view(path(132)), seed=5000), CAMERA)
    estimate = tracking.track(later)
    assert estimate.trusted
    assert_right(estimate, 132)


@pytest.mark.parametrize('image', ['black', 'grey', 'noise', 'elsewhere'])
def test_images_of_something_else_are_not_trusted_and_then_the_tracker_is_lost(
    room, tracking, image
):
    other = {
        'black': BLACK,
        'grey': BLACK + np.uint8(128),
        'noise': np.random.default_rng(1).integers(0, 256, BLACK.shape, dtype=np.uint8),
        'elsewhere': room.view(looking((0.5, -1.0, 1.6), heading_deg=15.0, down_deg=20.0)),
    }[image]
    for count in range(1, LOST_AFTER + 2):
        ms = 132 + 33 * count
        estimate = tracking.track(Frame(stamp(ms), other, CAMERA))
        assert not estimate.trusted
        assert estimate.reason
        assert '\n' not in estimate.reason
        assert np.isfinite(estimate.map_T_camera).all()
        assert np.isfinite(estimate.covariance).all()
        assert estimate.state is (State.LOST if count >= LOST_AFTER else State.UNSURE)


@pytest.mark.parametrize('count', [1, LOST_AFTER - 1, LOST_AFTER, LOST_AFTER + 4])
def test_the_camera_is_found_again_where_it_was_left(room, tracking, count):
    for i in range(count):
        assert not tracking.track(Frame(stamp(165 + 33 * i), BLACK, CAMERA)).trusted
    assert tracking.state is (State.LOST if count >= LOST_AFTER else State.UNSURE)
    image = picture(room, 165).image
    estimate = tracking.track(Frame(stamp(165 + 33 * count), image, CAMERA))
    assert estimate.trusted
    assert estimate.state is State.TRACKING
    assert_right(estimate, 165)


def test_from_a_start_somewhere_else_no_wrong_pose_is_trusted(room):
    settings = build(Settings, {'tracking.lost_after': 2})
    for heading in (0.0, 300.0):
        tracker = Tracker(room.scene, settings)
        tracker.start_at(looking((0.5, -0.5, 1.5), heading_deg=heading, down_deg=10.0))
        for ms in (0, 33, 66):
            estimate = tracker.track(picture(room, ms))
            if estimate.trusted:
                assert_right(estimate, ms)
        assert estimate.trusted or estimate.state is State.LOST


def test_where_there_is_no_mesh_nothing_is_trusted(room):
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(looking((0.0, -6.0, 1.5), heading_deg=-90.0, down_deg=0.0))
    estimate = tracker.track(picture(room, 0))
    assert not estimate.trusted
    assert estimate.rejection is Rejection.LOW_COVERAGE
    assert np.isfinite(estimate.map_T_camera).all()
    assert np.isfinite(estimate.covariance).all()


def test_a_new_start_forgets_the_past(room, tracking):
    elsewhere = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)
    for ms, lose_first in ((200, False), (100, True)):
        for i in range(LOST_AFTER if lose_first else 0):
            tracking.track(Frame(stamp(300 + i), BLACK, CAMERA))
        tracking.start_at(elsewhere)
        assert tracking.state is State.INITIALIZING
        estimate = tracking.track(Frame(stamp(ms), room.view(elsewhere), CAMERA))
        assert estimate.trusted
        assert error(estimate.map_T_camera, elsewhere)[0] < 0.01


def test_a_start_is_needed_and_checked(room):
    tracker = Tracker(room.scene, Settings())
    with pytest.raises(InputError, match='no start pose'):
        tracker.track(picture(room, 0))
    broken = path(0)
    broken[1, 3] = np.nan
    for pose in (broken, np.eye(3), np.full((4, 4), np.inf)):
        with pytest.raises(InputError, match='not a finite 4x4 matrix'):
            tracker.start_at(pose)


def test_the_other_solver_can_be_chosen(room):
    settings = build(Settings, {'solver': 'adam', 'adam.iterations': 10})
    tracker = Tracker(room.scene, settings)
    tracker.start_at(path(0))
    for ms in (0, 33):
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert estimate.iterations == 10
        assert error(estimate.map_T_camera, path(ms))[0] < 0.03


WALLS = {
    # Where the camera looks: the wall's corners, the heading, and the axis across the image.
    'along y': (((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6)), 90.0, 0, 1),
    'along x': (((3, 6, -6), (3, -6, -6), (3, -6, 6), (3, 6, 6)), 0.0, 1, -1),
}


@pytest.mark.parametrize('wall', WALLS.values(), ids=WALLS)
def test_the_covariance_is_about_the_axes_of_the_map(wall):
    """Before a flat wall, moving along it and turning look alike, nearing it does not."""
    corners, heading, across, sign = wall
    scene = Scene(quad(corners, np.tile(clouds(seed=1), (4, 4, 1))), 'cpu')
    pose = looking((0.0, 0.0, 0.0), heading, down_deg=0.0)
    room = SmallRoom(Path())
    room.__dict__['scene'] = scene
    tracker = Tracker(scene, Settings())
    tracker.start_at(pose)
    estimate = tracker.track(Frame(START_NS, photographed(room.view(pose), 1), CAMERA))
    assert estimate.trusted
    covariance = estimate.covariance
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-9, atol=1e-15)
    spread = np.sqrt(np.diag(covariance))
    towards = 1 - across
    assert spread[across] > 3 * spread[towards]
    assert spread[2] > 3 * spread[towards]
    # Going right looks like turning right, about the axis that points up, the less.
    correlation = covariance / np.outer(spread, spread)
    assert sign * correlation[across, 5] > 0.8
    # Turning about the line of sight is told apart from everything.
    about_sight, about_across = 3 + towards, 3 + across
    assert spread[about_across] > 2 * spread[about_sight]
    assert spread[5] > 2 * spread[about_sight]


@pytest.mark.parametrize(
    ('shape', 'words'),
    [
        ((100, 320, 3), 'image is 320x100 but camera_info says 320x240'),
        ((240, 320), 'expected RGB'),
        ((240, 320, 4), 'expected RGB'),
    ],
)
def test_an_image_that_the_camera_does_not_describe_is_refused(shape, words):
    with pytest.raises(InputError, match=words):
        Frame(START_NS, np.zeros(shape, dtype=np.uint8), CAMERA)


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (5, 3), (39, 30), (40, 29)])
def test_images_too_small_to_be_aligned_are_refused(tracker, width, height):
    camera = Camera(width, height, 40.0, 40.0, width / 2, height / 2)
    image = np.zeros((height, width, 3), dtype=np.uint8)
    with pytest.raises(InputError, match='too small'):
        tracker.track(Frame(stamp(0), image, camera))
