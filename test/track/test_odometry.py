"""Odometry in the prediction: how it moves the filter, and what it is worth to the tracker."""

from dataclasses import replace

import numpy as np
import pytest
from support.odometers import SOMEWHERE, Wheels, exactly, motion
from support.patience import LONG_S
from support.relocalizers import Answers, Knows, wait_for_the_search
from support.small_room import CAMERA, SmallRoom, clouds, error, looking, photographed

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.kernels.se3 import exp, log
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._prediction import is_recent, predict
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import State
from mesh_reloc_ros.types.frame import Frame

SETTINGS = TrackingSettings()
START_NS = 1_700_000_000_000_000_000
TURNING = np.array([0.3, -0.2, 0.5, 0.4, -0.9, 0.6])
BLACK = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)


def stamp(ms: float) -> int:
    return START_NS + round(1e6 * ms)


# The filter.


def path_of(ms: float) -> np.ndarray:
    """Return a pose [4, 4] on a path that is far from one of constant velocity."""
    s = 1e-3 * ms
    return motion(
        np.array([np.sin(3 * s), 0.4 * s * s, 1.0 - s]), np.array([40 * s, 90 * np.sin(2 * s), 7])
    )


def started() -> MotionFilter:
    return MotionFilter(path_of(0), stamp(0), exactly(path_of(0)))


def test_odometry_moves_the_pose_and_sets_the_velocity():
    filtered, last = started(), 0
    for ms in (33, 40, 250, 251, 900, 2400):
        filtered.predict(stamp(ms), SETTINGS, exactly(path_of(ms)))
        np.testing.assert_allclose(filtered.map_T_camera, path_of(ms), atol=1e-9)
        moved = np.linalg.inv(path_of(last)) @ path_of(ms)
        expected = log(moved) / (1e-3 * (ms - last))
        np.testing.assert_allclose(filtered.velocity, expected, atol=1e-5)
        last = ms


def test_times_without_odometry_are_made_up_for():
    filtered = started()
    filtered.predict(stamp(100), SETTINGS, exactly(path_of(100)))
    for ms in (200, 500, 700):
        filtered.predict(stamp(ms), SETTINGS)
        assert error(filtered.map_T_camera, path_of(ms))[0] > 0.005
    filtered.predict(stamp(1200), SETTINGS, exactly(path_of(1200)))
    np.testing.assert_allclose(filtered.map_T_camera, path_of(1200), atol=1e-9)


def test_a_pose_that_was_measured_since_counts_more_than_odometry_from_before():
    filtered = started()
    filtered.predict(stamp(100), SETTINGS)
    measured = motion(np.array([5.0, 5.0, 5.0]), np.zeros(3))
    filtered.update(measured, 1e-12 * np.eye(6))
    filtered.velocity[:] = 0
    filtered.predict(stamp(200), SETTINGS, exactly(path_of(200)))
    np.testing.assert_allclose(filtered.map_T_camera, measured, atol=1e-6)
    # From here on the two are known together again.
    filtered.predict(stamp(300), SETTINGS, exactly(path_of(300)))
    moved = np.linalg.inv(path_of(200)) @ path_of(300)
    np.testing.assert_allclose(filtered.map_T_camera, measured @ moved, atol=1e-6)


def test_a_measured_pose_goes_on_by_odometry():
    filtered = started()
    filtered.predict(stamp(100), SETTINGS, exactly(path_of(100)))
    measured = motion(np.array([5.0, 5.0, 5.0]), np.array([10.0, 0.0, 0.0]))
    filtered.update(measured, 1e-12 * np.eye(6))
    filtered.predict(stamp(200), SETTINGS, exactly(path_of(200)))
    expected = measured @ np.linalg.inv(path_of(100)) @ path_of(200)
    np.testing.assert_allclose(filtered.map_T_camera, expected, atol=1e-5)


def test_the_covariance_is_as_large_as_without_odometry():
    """However well odometry knows: wheels slip."""
    aided = MotionFilter(np.eye(4), stamp(0), exactly(np.eye(4)))
    alone = MotionFilter(np.eye(4), stamp(0))
    for k in range(1, 8):
        pose = exp(0.1 * k * TURNING)
        aided.predict(stamp(100 * k), SETTINGS, exactly(pose))
        alone.velocity = TURNING.copy()
        alone.predict(stamp(100 * k), SETTINGS)
        np.testing.assert_allclose(aided.covariance, alone.covariance, rtol=1e-6, atol=1e-12)
        for one in (aided, alone):
            one.update(pose, 1e-4 * np.eye(6))
        np.testing.assert_allclose(aided.covariance, alone.covariance, rtol=1e-6, atol=1e-12)


NONSENSE = {
    'a jump': motion(np.array([0.0, 4.0, 0.0]), np.zeros(3)) @ exactly(path_of(200)),
    'a turn': exactly(path_of(200)) @ motion(np.zeros(3), np.array([0.0, 150.0, 0.0])),
    'not a number': np.full((4, 4), np.nan),
    'infinite': np.where(np.eye(4)[:, [3, 0, 1, 2]] > 0, np.inf, exactly(path_of(200))),
    'zeros': np.zeros((4, 4)),
    'a mirror': exactly(path_of(200)) @ np.diag([1.0, 1.0, -1.0, 1.0]),
    'twice as large': np.diag([2.0, 2.0, 2.0, 1.0]) @ exactly(path_of(200)),
    'another shape': np.eye(3),
}


@pytest.mark.parametrize('broken', NONSENSE.values(), ids=NONSENSE)
def test_odometry_that_is_not_believable_is_left_out(broken):
    aided, alone = started(), started()
    for filtered in (aided, alone):
        filtered.predict(stamp(100), SETTINGS, exactly(path_of(100)))
    aided.predict(stamp(200), SETTINGS, broken)
    alone.predict(stamp(200), SETTINGS)
    np.testing.assert_array_equal(aided.map_T_camera, alone.map_T_camera)
    np.testing.assert_array_equal(aided.velocity, alone.velocity)
    np.testing.assert_array_equal(aided.covariance, alone.covariance)


def test_odometry_that_was_reset_counts_from_there_on():
    filtered = started()
    filtered.predict(stamp(100), SETTINGS, motion(np.array([100.0, 0, 0]), np.zeros(3)))
    here = filtered.map_T_camera
    np.testing.assert_array_equal(here, path_of(0))
    moved = motion(np.array([0.1, 0.2, 0.0]), np.array([0.0, 0.0, 20.0]))
    filtered.predict(stamp(200), SETTINGS, motion(np.array([100.0, 0, 0]), np.zeros(3)) @ moved)
    np.testing.assert_allclose(filtered.map_T_camera, here @ moved, atol=1e-9)


def framed(ms: float, odom_T_camera: np.ndarray | None) -> Frame:
    return Frame(stamp(ms), BLACK, CAMERA, odom_T_camera)


def test_a_camera_left_long_ago_is_where_odometry_says_but_known_no_better_than_at_rest():
    aided, alone = started(), started()
    for ms in (400, 800, 1600):
        frame = framed(ms, exactly(path_of(ms)))
        predict(aided, frame, stamp(0), SETTINGS)
        predict(alone, replace(frame, odom_T_camera=None), stamp(0), SETTINGS)
        assert is_recent(frame, stamp(0), SETTINGS) is (ms <= 500)
        np.testing.assert_allclose(aided.map_T_camera, path_of(ms), atol=1e-9)
        assert np.trace(aided.covariance) >= np.trace(alone.covariance)


# The tracker.


def path(ms: float) -> np.ndarray:
    """Return a pose [4, 4] of a camera that goes to and fro: at its fastest 0.6 m and 35 deg/s."""
    s = np.sin(1e-3 * ms)
    return looking((-0.2 + 0.6 * s, -1.5 + 0.1 * s, 1.3), heading_deg=60 + 35 * s, down_deg=12.0)


def picture(room: SmallRoom, ms: float, odom_T_camera: np.ndarray | None = None) -> Frame:
    image = photographed(room.view(path(ms)), round(ms))
    return Frame(stamp(ms), image, CAMERA, odom_T_camera)


def assert_right(estimate, pose):
    metres, degrees = error(estimate.map_T_camera, pose)
    assert metres < 0.01
    assert degrees < 0.2


def tracking(room: SmallRoom, relocalizer: Answers | None = None) -> Tracker:
    search = None if relocalizer is None else Search(relocalizer, background=False)
    tracker = Tracker(room.scene, Settings(), search)
    tracker.start_at(path(0))
    return tracker


def published(room: SmallRoom, wheels: Wheels | None, every_ms: int) -> list[bool]:
    """Return which images of 5 s were trusted, without a search."""
    tracker, trusted = tracking(room), []
    for ms in range(0, 5000, every_ms):
        odom = None if wheels is None else wheels.at(ms, path(ms))
        estimate = tracker.track(picture(room, ms, odom))
        if estimate.trusted:
            assert_right(estimate, path(ms))
        trusted.append(estimate.trusted)
    return trusted


@pytest.mark.parametrize('every_ms', [333, 1000])
def test_images_far_apart_are_tracked_by_odometry(room, every_ms):
    assert all(published(room, Wheels(), every_ms))


def test_in_the_dark_the_camera_is_followed_by_odometry(room):
    """3 s, 1.2 m and 70 degrees: no search, and no image of the light is lost."""
    for wheels in (Wheels(), None):
        relocalizer = Answers(None)
        tracker = tracking(room, relocalizer)
        tracker.start_at(path(1100))
        for ms in range(1100, 4700, 300):
            frame = picture(room, ms, None if wheels is None else wheels.at(ms, path(ms)))
            if ms > 1600:
                frame = replace(frame, image=BLACK)
            assert tracker.track(frame).trusted is (ms <= 1600)
        assert tracker.state is State.LOST
        ms = 4700
        frame = picture(room, ms, None if wheels is None else wheels.at(ms, path(ms)))
        estimate = tracker.track(frame)
        assert estimate.trusted is (wheels is not None)
        assert relocalizer.hints == ([] if wheels is not None else [None])
    assert error(path(1600), path(4700))[0] > 1


def test_trust_comes_back_by_odometry_no_easier_than_without(room):
    tracker = tracking(room)
    assert tracker.track(picture(room, 0, exactly(path(0)))).trusted
    assert 'realignment' not in tracker.track(picture(room, 33, exactly(path(33)))).stages_ms
    assert 'realignment' in tracker.track(picture(room, 700, exactly(path(700)))).stages_ms


def test_the_hint_of_a_search_is_where_odometry_has_the_camera(room):
    relocalizer = Answers(None)
    tracker = tracking(room, relocalizer)
    for ms in range(0, 300, 33):
        assert tracker.track(picture(room, ms, exactly(path(ms)))).trusted
    # The view is covered, and the camera goes on.
    covered = clouds(seed=77)[:240, :320]
    for ms in range(300, 2000, 66):
        frame = Frame(stamp(ms), np.roll(covered, ms, 1), CAMERA, exactly(path(ms)))
        assert not tracker.track(frame).trusted
    hints = [hint for hint in relocalizer.hints if hint is not None]
    assert len(hints) >= 2
    assert error(hints[-1], path(1900))[0] < 0.1 < error(hints[0], hints[-1])[0]


RESETS = {
    'set to zero': lambda odom: motion(np.zeros(3), np.zeros(3)),
    'elsewhere': lambda odom: motion(np.array([30.0, 0, 0]), np.array([0, 90.0, 0])) @ odom,
    # A speed that a camera might have.
    'a little off': lambda odom: odom @ motion(np.array([0.5, 0.0, 0.0]), np.array([0, 25.0, 0])),
    'not a number': lambda odom: np.full((4, 4), np.nan),
    'no rotation': lambda odom: np.zeros((4, 4)),
}


@pytest.mark.parametrize('every_ms', [33, 333])
@pytest.mark.parametrize('reset', RESETS.values(), ids=RESETS)
def test_odometry_that_jumps_does_not_take_the_tracker_along(room, reset, every_ms):
    tracker = tracking(room)
    for k in range(9):
        ms = every_ms * k
        odom = exactly(path(ms))
        if k == 5:
            odom = reset(odom)
        estimate = tracker.track(picture(room, ms, odom))
        assert estimate.trusted
        assert_right(estimate, path(ms))


def test_wheels_that_spin_do_not_take_the_tracker_along(room):
    """A metre a second, half a turn a second, and the camera stands still."""
    tracker, wheels = tracking(room), Wheels(slip_m_s=1.0, drift_deg_s=180.0)
    for k in range(6):
        ms = 200 * k
        image = photographed(room.view(path(0)), k)
        estimate = tracker.track(Frame(stamp(ms), image, CAMERA, wheels.at(ms, path(0))))
        assert estimate.trusted
        assert_right(estimate, path(0))


def test_what_is_found_in_the_background_is_caught_up_with_by_odometry(room):
    """The camera has gone 1.2 m and turned by 70 degrees by the next image that there is."""
    replay_to_latest = []
    for odometry in (exactly, lambda pose: None):
        relocalizer = Knows(room.scene)
        tracker = Tracker(room.scene, Settings(), Search(relocalizer, background=True))
        relocalizer.may_answer.clear()
        first = picture(room, 1600, odometry(path(1600)))
        relocalizer.learn(first.image, path(1600))
        assert not tracker.track(first).trusted
        relocalizer.may_answer.set()
        assert relocalizer.answered.acquire(timeout=LONG_S)
        wait_for_the_search()
        estimate = tracker.track(picture(room, 4700, odometry(path(4700))))
        replay_to_latest.append(estimate.trusted)
        if estimate.trusted:
            assert_right(estimate, path(4700))
        tracker.close()
    assert replay_to_latest == [True, False]


def test_odometry_may_come_and_go(room):
    tracker = tracking(room)
    for k in range(20):
        ms = 100 * k
        odom = exactly(path(ms)) if k % 7 < 4 else None
        is_dark = 10 <= k < 14
        image = BLACK if is_dark else photographed(room.view(path(ms)), k)
        estimate = tracker.track(Frame(stamp(ms), image, CAMERA, odom))
        assert estimate.trusted is not is_dark
        if estimate.trusted:
            assert_right(estimate, path(ms))


def test_odometry_is_in_a_frame_of_its_own():
    assert error(SOMEWHERE, np.eye(4))[0] > 1
