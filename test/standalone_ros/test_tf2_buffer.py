"""Behaviour of tf2_ros.Buffer, of the real one and of the stand-in."""

from threading import Timer

import numpy as np
import pytest
import tf2_ros
from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.time import Time
from scipy.spatial.transform import Rotation
from support.patience import LONG_S

ODD = Rotation.from_rotvec([0.3, -0.5, 0.9])


def at(seconds):
    """Return a time that lies `seconds` after some moment."""
    return Time(nanoseconds=round((1000 + seconds) * 1e9))


def transform(parent, child, seconds=0.0, translation=(0, 0, 0), rotation=None):
    """Return the message of `parent_T_child`."""
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = at(seconds).to_msg()
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = (float(value) for value in translation)
    q.x, q.y, q.z, q.w = (rotation or Rotation.identity()).as_quat()
    return message


def matrix(message):
    """Return the transform of a message, [4, 4]."""
    t, q = message.transform.translation, message.transform.rotation
    result = np.eye(4)
    result[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    result[:3, 3] = t.x, t.y, t.z
    return result


@pytest.fixture
def buffer():
    return tf2_ros.Buffer()


def fill(buffer, *transforms):
    for message in transforms:
        buffer.set_transform(message, 'test')


def test_links_are_chained_over_the_common_ancestor(buffer):
    links = {
        'map_T_odom': transform('map', 'odom', 0, (1, 2, 3), ODD),
        'odom_T_robot': transform('odom', 'robot', 0, (-4, 0.5, 6), ODD * ODD),
        'map_T_camera': transform('map', 'camera', 0, (7, 8, -9), ODD.inv()),
    }
    fill(buffer, *links.values())
    m = {name: matrix(message) for name, message in links.items()}
    camera_T_robot = np.linalg.inv(m['map_T_camera']) @ m['map_T_odom'] @ m['odom_T_robot']

    found = buffer.lookup_transform('camera', 'robot', at(0))
    np.testing.assert_allclose(matrix(found), camera_T_robot, atol=1e-12)
    assert (found.header.frame_id, found.child_frame_id) == ('camera', 'robot')
    assert found.header.stamp == at(0).to_msg()

    back = buffer.lookup_transform('robot', 'camera', at(0))
    np.testing.assert_allclose(matrix(back), np.linalg.inv(camera_T_robot), atol=1e-12)


def test_between_two_stamps_translation_and_angle_go_evenly(buffer):
    turn = [0.0, 0.0, np.pi / 2]
    fill(
        buffer,
        transform('map', 'camera', 2, (4, 0, 8), Rotation.from_rotvec(turn)),
        transform('map', 'camera', 1, (0, 0, 0)),
    )
    found = matrix(buffer.lookup_transform('map', 'camera', at(1.25)))
    np.testing.assert_allclose(found[:3, 3], [1, 0, 2], atol=1e-9)
    angle = Rotation.from_matrix(found[:3, :3]).as_rotvec()
    np.testing.assert_allclose(angle, [0, 0, np.pi / 8], atol=1e-9)


def test_quaternions_of_opposite_sign_are_the_same_rotation(buffer):
    opposite = transform('map', 'camera', 2, rotation=ODD)
    q = opposite.transform.rotation
    q.x, q.y, q.z, q.w = -q.x, -q.y, -q.z, -q.w
    fill(buffer, transform('map', 'camera', 1, rotation=ODD), opposite)
    found = matrix(buffer.lookup_transform('map', 'camera', at(1.5)))
    np.testing.assert_allclose(found[:3, :3], ODD.as_matrix(), atol=1e-9)


def test_time_zero_is_the_latest_that_all_links_have(buffer):
    fill(
        buffer,
        transform('map', 'odom', 1, (10, 0, 0)),
        transform('map', 'odom', 3, (30, 0, 0)),
        transform('odom', 'camera', 2, (1, 0, 0)),
    )
    found = buffer.lookup_transform('map', 'camera', Time())
    assert found.header.stamp == at(2).to_msg()
    assert found.transform.translation.x == pytest.approx(21)


def test_static_transforms_hold_at_all_times(buffer):
    buffer.set_transform_static(transform('robot', 'camera', 0, (0, 0, 1)), 'test')
    fill(buffer, transform('map', 'robot', 5, (2, 0, 0)))
    found = buffer.lookup_transform('map', 'camera', Time())
    assert found.header.stamp == at(5).to_msg()
    assert matrix(found)[:3, 3] == pytest.approx([2, 0, 1])
    for time in (Time(), at(-500), at(500)):
        assert buffer.lookup_transform('robot', 'camera', time).transform.translation.z == 1


def test_a_stamp_of_a_message_is_a_time_too(buffer):
    fill(buffer, transform('map', 'camera', 1))
    stamp = TimeMsg(sec=1001)
    assert buffer.lookup_transform('map', 'camera', stamp).header.stamp == stamp


def test_a_frame_seen_from_itself_does_not_move(buffer):
    fill(buffer, transform('map', 'camera', 1, (1, 2, 3), ODD))
    found = buffer.lookup_transform('camera', 'camera', Time())
    np.testing.assert_array_equal(matrix(found), np.eye(4))
    assert found.header.stamp == at(1).to_msg()
    unknown = buffer.lookup_transform('nowhere', 'nowhere', at(2))
    np.testing.assert_array_equal(matrix(unknown), np.eye(4))


@pytest.mark.parametrize(
    ('target', 'source', 'seconds', 'error'),
    [
        ('map', 'nowhere', 1, tf2_ros.LookupException),
        ('nowhere', 'map', 1, tf2_ros.LookupException),
        ('map', 'other_camera', 1, tf2_ros.ConnectivityException),
        ('map', 'camera', 2.5, tf2_ros.ExtrapolationException),
        ('map', 'camera', 0.5, tf2_ros.ExtrapolationException),
        ('map', 'odom', 1.5, tf2_ros.ExtrapolationException),
        ('', 'camera', 1, tf2_ros.InvalidArgumentException),
        ('map', '/camera', 1, tf2_ros.InvalidArgumentException),
    ],
)
def test_what_cannot_be_had_says_why(buffer, target, source, seconds, error):
    fill(
        buffer,
        transform('map', 'camera', 1),
        transform('map', 'camera', 2),
        transform('map', 'odom', 1),
        transform('other_map', 'other_camera', 1),
    )
    assert issubclass(error, tf2_ros.TransformException)
    with pytest.raises(error):
        buffer.lookup_transform(target, source, at(seconds))
    assert not buffer.can_transform(target, source, at(seconds))


def test_the_reason_comes_with_the_answer_on_request(buffer):
    fill(buffer, transform('map', 'camera', 1), transform('map', 'camera', 2))
    assert buffer.can_transform('map', 'camera', at(1.5), return_debug_tuple=True)[0]
    possible, reason = buffer.can_transform('map', 'camera', at(9), return_debug_tuple=True)
    assert not possible
    assert 'extrapolation into the future' in reason


def test_transforms_are_forgotten_after_the_cache_time():
    buffer = tf2_ros.Buffer(cache_time=Duration(seconds=2))
    fill(buffer, *(transform('map', 'camera', seconds, (seconds, 0, 0)) for seconds in range(6)))
    fill(buffer, transform('map', 'camera', 1))  # too old by now
    assert buffer.lookup_transform('map', 'camera', at(3.5)).transform.translation.x == 3.5
    with pytest.raises(tf2_ros.ExtrapolationException):
        buffer.lookup_transform('map', 'camera', at(2.5))


def test_ten_seconds_are_kept_by_default(buffer):
    fill(buffer, transform('map', 'camera', 0), transform('map', 'camera', 9))
    assert buffer.can_transform('map', 'camera', at(0.5))
    # What is out of date goes when the next one comes.
    fill(buffer, transform('map', 'camera', 11), transform('map', 'camera', 12))
    assert not buffer.can_transform('map', 'camera', at(0.5))


def test_transforms_that_are_not_valid_are_left_out(buffer):
    all_zero = transform('map', 'a', 1)
    all_zero.transform.rotation.w = 0.0
    infinite_turn = transform('map', 'b', 1)
    infinite_turn.transform.rotation.w = float('inf')
    nan = transform('map', 'c', 1, (float('nan'), 0, 0))
    fill(buffer, all_zero, infinite_turn, nan, transform('d', 'd', 1), transform('', 'e', 1))
    fill(buffer, transform('map', 'good', 1))
    assert buffer.can_transform('map', 'good', at(1))
    for frame in 'abcde':
        assert not buffer.can_transform('map', frame, at(1))


def test_quaternions_are_normalized(buffer):
    message = transform('map', 'camera', 1, rotation=ODD)
    q = message.transform.rotation
    q.x, q.y, q.z, q.w = 0.3 * q.x, 0.3 * q.y, 0.3 * q.z, 0.3 * q.w
    fill(buffer, message)
    found = matrix(buffer.lookup_transform('map', 'camera', at(1)))
    np.testing.assert_allclose(found[:3, :3], ODD.as_matrix(), atol=1e-9)


@pytest.mark.filterwarnings('ignore:invalid value')
def test_infinite_translations_are_taken_and_come_back_as_no_numbers(buffer):
    fill(buffer, transform('map', 'camera', 1, (float('inf'), 0, 0)))
    found = buffer.lookup_transform('map', 'camera', at(1))
    assert not np.isfinite(found.transform.translation.x)


def test_of_one_stamp_the_last_counts(buffer):
    fill(buffer, transform('map', 'camera', 1, (1, 0, 0)), transform('map', 'camera', 2))
    fill(buffer, transform('map', 'camera', 1.5, (3, 0, 0)))
    fill(buffer, transform('map', 'camera', 1.5, (4, 0, 0)))
    assert buffer.lookup_transform('map', 'camera', at(1.5)).transform.translation.x == 4


def test_a_frame_can_get_another_parent(buffer):
    fill(
        buffer,
        transform('map', 'camera', 1, (1, 0, 0)),
        transform('odom', 'camera', 2, (2, 0, 0)),
    )
    assert buffer.lookup_transform('map', 'camera', at(1.5)).transform.translation.x == 1
    assert buffer.lookup_transform('odom', 'camera', at(2)).transform.translation.x == 2
    assert not buffer.can_transform('map', 'camera', at(2))
    with pytest.raises(tf2_ros.ConnectivityException):
        buffer.lookup_transform('map', 'camera', Time())


def test_links_above_the_common_ancestor_need_no_data(buffer):
    fill(
        buffer,
        transform('map', 'odom', 1),
        transform('odom', 'robot', 1),
        transform('odom', 'robot', 3, (2, 0, 0)),
    )
    buffer.set_transform_static(transform('robot', 'camera', 0, (0, 1, 0)), 'test')
    buffer.set_transform_static(transform('robot', 'laser', 0), 'test')
    assert buffer.lookup_transform('odom', 'camera', at(2)).transform.translation.x == 1
    assert buffer.lookup_transform('laser', 'camera', at(9)).transform.translation.y == 1
    assert buffer.lookup_transform('odom', 'camera', Time()).header.stamp == at(3).to_msg()
    with pytest.raises(tf2_ros.ExtrapolationException):
        buffer.lookup_transform('map', 'camera', at(2))


def test_a_loop_is_an_error(buffer):
    fill(buffer, transform('a', 'b', 1), transform('b', 'c', 1), transform('c', 'a', 1))
    fill(buffer, transform('map', 'camera', 1))
    for time in (at(1), Time()):
        with pytest.raises(tf2_ros.LookupException):
            buffer.lookup_transform('map', 'a', time)


def test_clearing_forgets_all_but_static_transforms(buffer):
    buffer.set_transform_static(transform('robot', 'camera', 0), 'test')
    fill(buffer, transform('map', 'robot', 1))
    buffer.clear()
    assert buffer.can_transform('robot', 'camera', at(1))
    with pytest.raises(tf2_ros.ExtrapolationException):
        buffer.lookup_transform('map', 'robot', at(1))
    with pytest.raises(tf2_ros.ConnectivityException):
        buffer.lookup_transform('map', 'robot', Time())
    # The next one may be older than what was forgotten.
    fill(buffer, transform('map', 'robot', -100))
    assert buffer.can_transform('map', 'robot', at(-100))


def test_a_lookup_waits_for_what_comes_in_time(buffer):
    late = Timer(0.2, fill, (buffer, transform('map', 'camera', 1, (5, 0, 0))))
    late.start()
    found = buffer.lookup_transform('map', 'camera', at(1), timeout=Duration(seconds=LONG_S))
    assert found.transform.translation.x == 5


def test_a_lookup_that_waited_in_vain_says_what_was_missing(buffer):
    with pytest.raises(tf2_ros.LookupException):
        buffer.lookup_transform('map', 'camera', at(1), timeout=Duration(seconds=0.1))
