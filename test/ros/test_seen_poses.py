import numpy as np
from support.small_room import pose_at

from mesh_reloc_ros.ros.pose_history import PoseHistory

S = 10**9


def test_a_pose_of_about_that_time_is_known_again():
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


def test_times_in_any_order():
    seen = PoseHistory()
    for number in (5, 1, 9, 3, 7):
        seen.add(number * S, pose_at(number))
    for number in (1, 3, 5, 7, 9):
        np.testing.assert_array_equal(seen.at(number * S - S // 20), pose_at(number))
    # What is newer than all is live.
    assert seen.at(9 * S + S // 20) is None
    assert seen.at(4 * S) is None
