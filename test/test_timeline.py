import numpy as np
import pytest
from support.small_room import pose_at

from mesh_reloc_ros.timeline import (
    PoseHistory,
    TimeEvent,
    TimelineMonitor,
    clock_problem,
    is_far_ahead,
    is_leftover,
    is_live,
)

S = 10**9
NEXT, STALE = TimeEvent.NEXT, TimeEvent.STALE
JUMP_BACK, JUMP_AHEAD = TimeEvent.JUMP_BACK, TimeEvent.JUMP_AHEAD


def after_images(*stamps: int) -> TimelineMonitor:
    """Return a timeline that has had images of these stamps."""
    timeline = TimelineMonitor(restart_after_s=5.0)
    for stamp in stamps:
        timeline.advance(stamp)
    return timeline


def test_images_in_order_follow_each_other():
    timeline = after_images()
    stamps = [100 * S, 101 * S, 101 * S + 1, 106 * S]
    assert [timeline.advance(stamp) for stamp in stamps] == [NEXT] * 4
    assert timeline.last_ns == 106 * S


@pytest.mark.parametrize('stamp', [100 * S, 100 * S - 1, 99 * S + 1, 60 * S])
def test_an_image_that_is_not_newer_than_the_last_is_stale(stamp):
    timeline = after_images(100 * S)
    assert timeline.advance(stamp) is STALE
    assert timeline.last_ns == 100 * S


def test_the_second_image_in_order_from_far_back_is_a_jump_back():
    timeline = after_images(200 * S)
    assert [timeline.advance(stamp) for stamp in (198 * S, 198 * S + 1)] == [STALE, JUMP_BACK]
    assert timeline.advance(198 * S + 2) is NEXT


def test_single_images_from_far_back_never_add_up_to_a_jump():
    timeline = after_images(100 * S)
    for number in range(1, 20):
        assert timeline.advance(60 * S + number) is STALE
        assert timeline.advance(100 * S + number) is NEXT


def test_images_from_far_back_that_are_not_in_order_are_stale():
    timeline = after_images(100 * S)
    assert [timeline.advance(60 * S), timeline.advance(59 * S)] == [STALE, STALE]


def test_ten_images_in_order_from_shortly_before_are_a_jump_back():
    timeline = after_images(100 * S)
    past = [100 * S - S // 2 + n * S // 30 for n in range(12)]
    events = [timeline.advance(stamp) for stamp in past]
    assert events == [STALE] * 9 + [JUMP_BACK, NEXT, NEXT]


def test_one_image_again_and_again_is_no_jump():
    timeline = after_images(100 * S)
    assert {timeline.advance(100 * S) for _ in range(30)} == {STALE}
    assert {timeline.advance(90 * S) for _ in range(30)} == {STALE}


def test_a_step_of_more_than_the_limit_is_a_jump_ahead():
    timeline = after_images(100 * S)
    assert timeline.advance(105 * S) is NEXT
    assert timeline.advance(110 * S + 1) is JUMP_AHEAD
    timeline.restart_after_s = 1.0
    assert timeline.advance(112 * S) is JUMP_AHEAD


@pytest.mark.parametrize(
    ('stamp', 'now', 'is_simulated', 'live', 'far'),
    [
        (100 * S, 100 * S, False, True, False),
        (100 * S, 100 * S, True, False, False),
        (100 * S, 500 * S, False, False, False),
        (104 * S, 100 * S, False, True, False),
        (3700 * S, 100 * S, False, False, True),
        (3700 * S, 0, True, False, False),
    ],
)
def test_what_stamps_tell_of_where_images_come_from(stamp, now, is_simulated, live, far):
    assert is_live(stamp, now, is_simulated) == live
    assert is_far_ahead(stamp, now) == far


@pytest.mark.parametrize(
    ('stamp', 'now', 'is_simulated', 'problem'),
    [
        (100 * S, 100 * S + S // 10, False, ''),
        (100 * S, 101 * S, True, ''),
        # A looping bag whose last images arrive after its clock went back, for instance.
        (100 * S, 500 * S, True, ''),
        (100 * S, 0, True, 'no time comes on /clock'),
        (103 * S, 100 * S, False, 'synchronize the clocks'),
        (103 * S, 100 * S, True, 'ahead of /clock'),
        (100 * S, 500 * S, False, 'set use_sim_time'),
    ],
)
def test_what_is_wrong_between_stamps_and_clock(stamp, now, is_simulated, problem):
    said = clock_problem(stamp, now, is_simulated)
    assert problem in said
    assert bool(said) == bool(problem)


def test_the_history_has_a_pose_within_a_tenth_of_a_second():
    seen = PoseHistory()
    assert seen.at(0) is None
    for number in range(300):
        seen.add(100 * S + number * S // 30, pose_at(number))
    # In a second round nothing is added.
    seen.add(100 * S + S // 50, pose_at(99))
    for number in (0, 17, 151, 290):
        found = seen.at(100 * S + number * S // 30)
        distances = [np.linalg.norm(found - pose_at(n)) for n in range(300)]
        assert abs(int(np.argmin(distances)) - number) <= 3
    assert seen.at(99 * S) is None
    assert seen.at(200 * S) is None


def test_the_history_takes_poses_in_any_order():
    seen = PoseHistory()
    for number in (5, 1, 9, 3, 7):
        seen.add(number * S, pose_at(number))
    for number in (1, 3, 5, 7, 9):
        np.testing.assert_array_equal(seen.at(number * S - S // 20), pose_at(number))
    # A stamp newer than all others belongs to a live image.
    assert seen.at(9 * S + S // 20) is None
    assert seen.at(4 * S) is None


@pytest.mark.parametrize(
    ('stamp_s', 'passed_s', 'leftover'),
    [(100.1, 0.1, True), (56, 0.1, True), (54, 0.1, False), (10.1, 0.1, False), (100.1, 4, False)],
)
def test_what_arrives_after_a_jump_back_may_belong_to_the_time_before(stamp_s, passed_s, leftover):
    """Of a jump from 100 s to 10 s."""
    assert is_leftover(round(stamp_s * S), 100 * S, 10 * S, passed_s) == leftover


def test_near_the_time_before_a_jump_nothing_is_left_over():
    assert not is_leftover(100 * S, 100 * S, 99 * S + S // 2, passed_s=1.0)
