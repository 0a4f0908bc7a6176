"""The tracker without a start pose, or lost: it has the camera searched for."""

import numpy as np
from support.following import BLACK, LOST_AFTER, assert_right, path, picture, stamp
from support.relocalizers import Answers, Knows, at, wait_for_the_search
from support.small_room import CAMERA, SmallRoom, looking

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame

ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


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
        assert estimate.rejection is Rejection.SEARCHING
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
    """Track the path, image by image, after each search; return stamp and estimate."""
    for ms in range(first_ms, first_ms + 2000, 20):
        wait_for_the_search()
        estimate = tracker.track(picture(room, ms))
        if estimate.trusted:
            return ms, estimate
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
    for ms in range(400, 3000, 20):
        wait_for_the_search()
        estimate = tracker.track(known(room, relocalizer, ms))
        if estimate.trusted:
            break
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
    wait_for_the_search()
    for ms in (0, 33, 66):
        estimate = tracker.track(picture(room, ms))
        assert estimate.trusted
        assert_right(estimate, ms)
    tracker.close()


def test_a_frozen_camera_is_not_searched_for(room, relocalizer):
    tracker = searching(room, relocalizer)
    tracker.start_at(path(0))
    for ms in (0, 33, 66, 99):
        assert tracker.track(picture(room, ms)).trusted
    frozen = known(room, relocalizer, 132).image
    for ms in range(132, 1500, 33):
        estimate = tracker.track(Frame(stamp(ms), frozen, CAMERA))
    assert estimate.state is State.LOST
    assert estimate.rejection is Rejection.FROZEN_IMAGE
    assert relocalizer.hints == []
