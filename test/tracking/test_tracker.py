"""The tracker on images of the small room: states, trust, and what it reports."""

import dataclasses
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from meshes import quad
from relocalizers import Answers, Knows, at
from scipy.spatial.transform import Rotation
from small_room import CAMERA, SmallRoom, clouds, error, looking, perturbed, photographed, pose_at

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.settings import build
from mesh_reloc_ros.tracking.attempt import about_map_axes
from mesh_reloc_ros.tracking.frame import Frame, State
from mesh_reloc_ros.tracking.search import Search
from mesh_reloc_ros.tracking.settings import Settings
from mesh_reloc_ros.tracking.tracker import Tracker

START_NS = 1_700_000_000_000_000_000
INTERVALS_MS = (33, 33, 50, 20, 100, 33, 5, 70, 33, 120, 33, 33)
BLACK = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)
LOST_AFTER = Settings().tracking.lost_after


def stamp(ms: float) -> int:
    return START_NS + round(ms * 1e6)


def path(ms: float) -> np.ndarray:
    """Return the pose [4, 4] at a time: 30 cm and 5 degrees a second, and some shaking."""
    return pose_at(0.01 * ms)


def picture(room: SmallRoom, ms: float, gain: float = 1.0) -> Frame:
    image = photographed(room.view(path(ms)), round(ms), (gain,) * 3)
    return Frame(stamp(ms), image, CAMERA)


@pytest.fixture
def tracker(room: SmallRoom) -> Tracker:
    """Return a tracker that is to begin at time 0."""
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(path(0))
    return tracker


@pytest.fixture
def tracking(room: SmallRoom, tracker: Tracker) -> Tracker:
    """Return a tracker that has followed the path for 132 ms."""
    for ms in (0, 33, 66, 99, 132):
        assert tracker.track(picture(room, ms)).trusted
    return tracker


def assert_right(estimate, ms):
    metres, degrees = error(estimate.map_T_camera, path(ms))
    assert metres < 0.01
    assert degrees < 0.2


def test_a_camera_is_followed_whatever_the_intervals(room, tracker):
    ms = 0
    for interval in (0, *INTERVALS_MS):
        ms += interval
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
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
    for count in range(1, LOST_AFTER + 3):
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
    for heading in (0.0, 300.0):
        tracker = Tracker(room.scene, Settings())
        tracker.start_at(looking((0.5, -0.5, 1.5), heading_deg=heading, down_deg=10.0))
        for ms in range(0, 33 * (LOST_AFTER + 1), 33):
            estimate = tracker.track(picture(room, ms))
            if estimate.trusted:
                assert_right(estimate, ms)
        assert estimate.trusted or estimate.state is State.LOST


def test_where_there_is_no_mesh_nothing_is_trusted(room):
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(looking((0.0, -6.0, 1.5), heading_deg=-90.0, down_deg=0.0))
    estimate = tracker.track(picture(room, 0))
    assert not estimate.trusted
    assert 'covers 0%' in estimate.reason
    assert np.isfinite(estimate.map_T_camera).all()
    assert np.isfinite(estimate.covariance).all()


def test_time_may_go_back_or_stand_still(room, tracking):
    """As when a bag is played again, or an image is sent twice."""
    for ms in (132, 132, 0, 33, 66):
        estimate = tracking.track(Frame(stamp(ms - 10_000), picture(room, ms).image, CAMERA))
        assert np.isfinite(estimate.covariance).all()
        assert estimate.trusted
        assert_right(estimate, ms)


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
    settings = build(Settings, {'solver': 'adam', 'adam.iterations': 40})
    tracker = Tracker(room.scene, settings)
    tracker.start_at(path(0))
    for ms in (0, 33):
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert error(estimate.map_T_camera, path(ms))[0] < 0.03


@pytest.fixture
def renders(monkeypatch) -> list[np.ndarray]:
    """Return the poses [4, 4] that whole views are rendered from, as that happens."""
    rendered = []
    render = Scene.render

    def spy(scene, map_T_camera, camera, pixels=None):
        if pixels is None:
            rendered.extend(map_T_camera.reshape(-1, 4, 4).numpy())
        return render(scene, map_T_camera, camera, pixels)

    monkeypatch.setattr(Scene, 'render', spy)
    return rendered


def test_it_renders_ahead_from_where_the_next_image_is_expected(room, renders):
    """So fast a camera that every image would have to wait for a render of its own."""
    settings = build(Settings, {'alignment.keyframe_motion': 0.005})
    tracker = Tracker(room.scene, settings)
    tracker.start_at(path(0))
    for ms in range(0, 500, 50):
        frame = picture(room, ms)
        renders.clear()
        assert tracker.track(frame).trusted
        if ms > 300:
            assert not renders
        renders.clear()
        tracker.look_ahead()
        if ms > 200:
            metres, degrees = error(renders[0], path(ms + 50))
            assert len(renders) == 1
            assert metres < 0.01
            assert degrees < 0.3
            # Nearer than where the camera is now.
            assert metres < error(path(ms), path(ms + 50))[0]


def test_looking_ahead_does_nothing_without_a_trusted_pose(room, renders):
    tracker = Tracker(room.scene, build(Settings, {'alignment.keyframe_motion': 0.0}))
    tracker.look_ahead()
    tracker.start_at(path(0))
    tracker.look_ahead()
    assert not renders
    for ms in (0, 33, 66):
        assert tracker.track(picture(room, ms)).trusted
    renders.clear()
    tracker.look_ahead()
    assert len(renders) == 1
    for i in range(LOST_AFTER):
        assert not tracker.track(Frame(stamp(99 + 33 * i), BLACK, CAMERA)).trusted
        renders.clear()
        tracker.look_ahead()
        assert not renders
    assert tracker.state is State.LOST
    assert tracker.track(Frame(stamp(300), picture(room, 66).image, CAMERA)).trusted
    tracker.start_at(path(0))
    renders.clear()
    tracker.look_ahead()
    assert not renders


def test_a_thread_that_looks_ahead_all_the_time_changes_little(room):
    settings = build(Settings, {'alignment.keyframe_motion': 0.005})
    alone, beside = Tracker(room.scene, settings), Tracker(room.scene, settings)
    alone.start_at(path(0))
    beside.start_at(path(0))
    done, failures = Event(), []

    def look_ahead():
        try:
            while not done.wait(0.001):
                beside.look_ahead()
        except Exception as failure:
            failures.append(failure)

    thread = Thread(target=look_ahead)
    thread.start()
    try:
        for ms in range(0, 660, 33):
            frame = picture(room, ms)
            one, other = alone.track(frame), beside.track(frame)
            assert one.trusted
            assert other.trusted
            metres, degrees = error(one.map_T_camera, other.map_T_camera)
            # Noise does to points of another render what it does to these, but not the same.
            assert metres < 0.006
            assert degrees < 0.12
    finally:
        done.set()
        thread.join()
    assert not failures


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


def test_a_covariance_turns_with_the_pose():
    rng = np.random.default_rng(2)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=3).as_matrix()
    pose[:3, 3] = (5, -3, 2)
    mixing = rng.normal(size=(6, 6))
    covariance = mixing @ mixing.T
    turned = about_map_axes(covariance, pose)
    direction = rng.normal(size=3)
    in_map = pose[:3, :3] @ direction
    for block in (slice(0, 3), slice(3, 6)):
        assert in_map @ turned[block, block] @ in_map == pytest.approx(
            direction @ covariance[block, block] @ direction
        )
    np.testing.assert_allclose(turned[:3, 3:], pose[:3, :3] @ covariance[:3, 3:] @ pose[:3, :3].T)


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


ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


@pytest.fixture
def relocalizer(room: SmallRoom) -> Knows:
    return Knows(room.scene)


def searching(room: SmallRoom, relocalizer: Answers, background: bool = False) -> Tracker:
    return Tracker(room.scene, Settings(), Search(relocalizer, background))


def known(room: SmallRoom, relocalizer: Knows, ms: float) -> Frame:
    """Return a picture of the path that the relocalizer knows."""
    frame = picture(room, ms)
    relocalizer.learn(frame.image, path(ms))
    return frame


def test_without_a_start_pose_the_camera_is_found_in_the_first_image(room, relocalizer):
    tracker = searching(room, relocalizer)
    for ms in (0, 33, 66):
        estimate = tracker.track(known(room, relocalizer, ms))
        assert estimate.trusted
        assert estimate.state is State.TRACKING
        assert_right(estimate, ms)
    assert relocalizer.hints == [None]


def test_until_the_camera_is_found_there_is_no_pose(room, relocalizer):
    tracker = searching(room, relocalizer)
    for count in range(LOST_AFTER + 1):
        estimate = tracker.track(picture(room, 33 * count))
        assert not estimate.trusted
        assert not estimate.is_located
        assert 'searched' in estimate.reason
        assert np.isfinite(estimate.covariance).all()
    assert estimate.state is State.LOST
    assert tracker.track(known(room, relocalizer, 1000)).trusted


def test_a_place_that_does_not_fit_the_image_is_not_trusted(room):
    """Whatever the relocalizer claims."""
    tracker = searching(room, Answers(at(ELSEWHERE)))
    for count in range(LOST_AFTER):
        estimate = tracker.track(picture(room, 400 * count))
        assert not estimate.trusted
        assert estimate.reason


def test_a_start_pose_that_fails_is_the_first_hint(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(looking((0.5, -0.5, 1.5), heading_deg=300.0, down_deg=10.0))
    assert not tracker.track(picture(room, 0)).trusted
    assert not tracker.track(picture(room, 400)).trusted
    np.testing.assert_allclose(relocalizer.hints[0][:3, 3], (0.5, -0.5, 1.5))
    assert relocalizer.hints[1] is None
    assert tracker.track(known(room, relocalizer, 800)).trusted


def test_a_good_start_pose_needs_no_search(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(path(0))
    for ms in (0, 33, 66):
        assert tracker.track(picture(room, ms)).trusted
    assert relocalizer.hints == []


def test_a_camera_carried_off_in_the_dark_is_found_where_it_comes_to_light(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(ELSEWHERE)
    assert tracker.track(Frame(stamp(0), room.view(ELSEWHERE), CAMERA)).trusted
    states = [tracker.track(Frame(stamp(33 * i), BLACK, CAMERA)).state for i in range(1, 10)]
    assert states == [State.UNSURE] * (LOST_AFTER - 1) + [State.LOST] * (10 - LOST_AFTER)
    # Black images are not worth a search.
    assert relocalizer.hints == []
    estimate = tracker.track(known(room, relocalizer, 400))
    assert estimate.trusted
    assert estimate.state is State.TRACKING
    assert_right(estimate, 400)
    estimate = tracker.track(picture(room, 433))
    assert estimate.trusted
    assert_right(estimate, 433)


def test_starting_anywhere_forgets_the_past(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(path(0))
    assert tracker.track(picture(room, 0)).trusted
    tracker.start_anywhere()
    assert tracker.state is State.INITIALIZING
    assert not tracker.track(picture(room, 33)).is_located
    assert tracker.track(known(room, relocalizer, 400)).trusted
    assert relocalizer.hints == [None, None]


def track_until_trusted(tracker: Tracker, room: SmallRoom, first_ms: int):
    """Track the path, image by image, while the search goes on; return stamp and estimate."""
    for ms in range(first_ms, first_ms + 2000, 20):
        estimate = tracker.track(picture(room, ms))
        if estimate.trusted:
            return ms, estimate
        time.sleep(0.02)
    raise AssertionError('the camera was not found')


def test_what_is_found_in_the_background_is_caught_up_with(room, relocalizer):
    tracker = searching(room, relocalizer, background=True)
    relocalizer.may_answer.clear()
    assert not tracker.track(known(room, relocalizer, 0)).trusted
    # 1.2 m and 20 degrees.
    for ms in range(50, 4000, 50):
        estimate = tracker.track(picture(room, ms))
        assert not estimate.trusted
        assert not estimate.is_located
    relocalizer.may_answer.set()
    ms, estimate = track_until_trusted(tracker, room, 4000)
    assert_right(estimate, ms)
    assert len(relocalizer.hints) == 1
    tracker.close()


def test_if_it_cannot_be_caught_up_with_the_search_goes_on(room, relocalizer):
    tracker = searching(room, relocalizer, background=True)
    relocalizer.may_answer.clear()
    first = Frame(stamp(0), room.view(ELSEWHERE), CAMERA)
    relocalizer.learn(first.image, ELSEWHERE)
    assert not tracker.track(first).trusted
    # The camera is elsewhere in the next image.
    relocalizer.may_answer.set()
    relocalizer.answered.acquire(timeout=10)
    for ms in range(400, 3000, 20):
        estimate = tracker.track(known(room, relocalizer, ms))
        if estimate.trusted:
            break
        time.sleep(0.02)
    assert len(relocalizer.hints) == 2
    assert_right(estimate, ms)
    tracker.close()


def test_a_new_start_drops_what_is_being_searched_for(room, relocalizer):
    tracker = searching(room, relocalizer, background=True)
    relocalizer.may_answer.clear()
    first = Frame(stamp(0), room.view(ELSEWHERE), CAMERA)
    relocalizer.learn(first.image, ELSEWHERE)
    assert not tracker.track(first).trusted
    tracker.start_at(path(0))
    relocalizer.may_answer.set()
    relocalizer.answered.acquire(timeout=10)
    for ms in (0, 33, 66):
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert_right(estimate, ms)
    tracker.close()


def test_a_camera_that_jumps_is_believed_when_the_next_image_agrees(room, tracking):
    """Within what the alignment bridges and beyond what the motion allows."""
    jumped = perturbed(path(165), seed=3, metres=0.2, degrees=3.0)
    estimate = tracking.track(Frame(stamp(165), photographed(room.view(jumped), 1), CAMERA))
    assert not estimate.trusted
    assert estimate.state is State.UNSURE
    assert 'standard deviations' in estimate.reason
    estimate = tracking.track(Frame(stamp(198), photographed(room.view(jumped), 2), CAMERA))
    assert estimate.trusted
    assert error(estimate.map_T_camera, jumped)[0] < 0.01


def test_a_single_image_from_elsewhere_does_not_move_the_tracker(room, tracking):
    jumped = perturbed(path(165), seed=3, metres=0.08, degrees=3.0)
    other = Frame(stamp(165), photographed(room.view(jumped), 1), CAMERA)
    assert not tracking.track(other).trusted
    for ms in (198, 231):
        estimate = tracking.track(picture(room, ms))
        assert estimate.trusted
        assert_right(estimate, ms)


def test_late_images_are_placed_and_do_not_stop_the_motion(room, renders):
    """What comes next is expected where the motion leads, not where the late image was taken."""
    tracker = Tracker(room.scene, build(Settings, {'alignment.keyframe_motion': 0.0}))
    tracker.start_at(path(0))
    for ms in (0, 33, 66, 99, 132, 165, 198, 231, 99, 165, 264, 198, 132):
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert estimate.state is State.TRACKING
        assert_right(estimate, ms)
    frame = picture(room, 297)
    renders.clear()
    assert tracker.track(frame).trusted
    metres, degrees = error(renders[0], path(297))
    assert metres < 0.006
    assert degrees < 0.3


def test_a_frozen_camera_is_not_believed(room, tracking):
    frozen = picture(room, 132).image
    trusted = [
        tracking.track(Frame(stamp(ms), frozen, CAMERA)).trusted for ms in range(165, 1000, 33)
    ]
    assert not any(trusted[7:])
    estimate = tracking.track(picture(room, 165))
    assert estimate.trusted


def test_a_frozen_camera_is_not_searched_for(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(path(0))
    for ms in (0, 33, 66, 99):
        assert tracker.track(picture(room, ms)).trusted
    frozen = known(room, relocalizer, 132).image
    for ms in range(132, 1500, 33):
        estimate = tracker.track(Frame(stamp(ms), frozen, CAMERA))
    assert estimate.state is State.LOST
    assert 's ago again' in estimate.reason
    assert relocalizer.hints == []


def test_another_camera_is_looked_at_twice(room, tracking):
    assert 'second look' not in tracking.track(picture(room, 165)).stages_ms
    moved = dataclasses.replace(CAMERA, cx=CAMERA.cx + 0.01)
    for ms, looked in ((198, True), (231, False)):
        estimate = tracking.track(dataclasses.replace(picture(room, ms), camera=moved))
        assert estimate.trusted
        assert ('second look' in estimate.stages_ms) is looked


@pytest.mark.parametrize(('degrees', 'looked'), [(0.5, False), (4.5, True)])
def test_a_pose_far_from_where_it_was_expected_is_looked_at_twice(room, tracker, degrees, looked):
    """Also where the motion allows it: a render of the wrong place may have drawn it there."""
    for ms in (0, 33, 66, 99):
        assert tracker.track(Frame(stamp(ms), photographed(room.view(path(0)), ms), CAMERA)).trusted
    turned = perturbed(path(0), seed=2, metres=0.02, degrees=degrees)
    estimate = tracker.track(Frame(stamp(450), photographed(room.view(turned), 1), CAMERA))
    assert estimate.trusted
    assert ('second look' in estimate.stages_ms) is looked


def test_a_wrong_focal_length_is_noticed(room, tracker):
    camera = dataclasses.replace(CAMERA, fx=1.06 * CAMERA.fx, fy=1.06 * CAMERA.fy)
    assert tracker.track(picture(room, 0)).trusted
    for ms in (33, 66, 99):
        estimate = tracker.track(dataclasses.replace(picture(room, ms), camera=camera))
        assert not estimate.trusted
    assert 'too long for the images' in estimate.reason
    estimate = tracker.track(picture(room, 132))
    assert estimate.trusted
    assert_right(estimate, 132)


def test_a_view_that_does_not_determine_the_pose_is_not_trusted(room):
    """Stripes on a wall: moving along them changes nothing."""
    stripes = np.repeat(clouds(seed=2)[:1], 512, axis=0)
    corners = ((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6))
    scene = Scene(quad(corners, stripes), 'cpu')
    pose = looking((0.0, 0.0, 0.0), 90.0, down_deg=0.0)
    wall = SmallRoom(Path())
    wall.__dict__['scene'] = scene
    tracker = Tracker(scene, Settings())
    tracker.start_at(pose)
    estimate = tracker.track(Frame(START_NS, photographed(wall.view(pose), 1), CAMERA))
    assert not estimate.trusted
    assert 'open by' in estimate.reason
