import numpy as np
import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from small_room import error, looking, pose_at

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.ros.start_pose import StartPoses, start_pose_from_message


def message(pose: np.ndarray, frame: str = 'map') -> PoseWithCovarianceStamped:
    sent = PoseWithCovarianceStamped()
    sent.header.frame_id = frame
    sent.pose.pose = pose_to_message(pose)
    return sent


def arrow(x: float, y: float, heading_deg: float) -> PoseWithCovarianceStamped:
    """Return what RViz sends for its 2D Pose Estimate."""
    half = np.radians(heading_deg) / 2
    sent = message(np.eye(4))
    sent.pose.pose.position.x, sent.pose.pose.position.y = x, y
    sent.pose.pose.orientation.z, sent.pose.pose.orientation.w = np.sin(half), np.cos(half)
    return sent


def test_a_full_pose_is_taken_as_it_is():
    pose, is_flat = start_pose_from_message(message(pose_at(2)), 'map', pose_at(0))
    np.testing.assert_allclose(pose, pose_at(2), atol=1e-9)
    assert not is_flat


@pytest.mark.parametrize('heading_deg', [-170.0, -30.0, 0.0, 95.0])
def test_a_pose_from_rviz_keeps_height_and_tilt_and_looks_along_the_arrow(heading_deg):
    reference = looking((0.3, -1.0, 1.4), heading_deg=40.0, down_deg=25.0)
    sent = arrow(-1.5, 0.7, heading_deg)
    pose, is_flat = start_pose_from_message(sent, 'map', reference)
    assert is_flat
    expected = looking((-1.5, 0.7, 1.4), heading_deg, down_deg=25.0)
    assert max(error(pose, expected)) < 1e-6


@pytest.mark.parametrize('down_deg', [90.0, -90.0])
def test_a_camera_that_looks_straight_down_or_up_turns_with_the_arrow(down_deg):
    reference = looking((0.0, 0.0, 2.0), heading_deg=10.0, down_deg=down_deg)
    pose, _ = start_pose_from_message(arrow(1.0, 0.0, 70.0), 'map', reference)
    assert max(error(pose, looking((1.0, 0.0, 2.0), 70.0, down_deg))) < 1e-6


def test_a_flat_pose_without_a_reference_is_taken_as_it_stands():
    pose, is_flat = start_pose_from_message(message(np.eye(4)), 'map', None)
    np.testing.assert_array_equal(pose, np.eye(4))
    assert not is_flat


def test_bad_start_poses_are_refused_with_the_reason():
    def check(sent: PoseWithCovarianceStamped, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            start_pose_from_message(sent, 'map', None)

    check(message(np.eye(4), frame='odom'), "initialpose is in frame 'odom', not in 'map'")
    sent = message(np.eye(4))
    sent.pose.pose.position.y = float('nan')
    check(sent, 'initialpose: .*finite')
    sent = message(np.eye(4))
    sent.pose.pose.orientation.w = 0.0
    check(sent, 'initialpose: .*quaternion is zero')


def test_requests_are_taken_once():
    starts = StartPoses(pose_at(0), can_search=True)
    np.testing.assert_array_equal(starts.take().map_T_camera, pose_at(0))
    assert starts.take() is None


def test_reset_returns_to_the_start():
    for can_search in (True, False):
        starts = StartPoses(pose_at(0), can_search)
        starts.trust(pose_at(4))
        starts.take()
        assert starts.reset() == 'the start pose'
        np.testing.assert_array_equal(starts.take().map_T_camera, pose_at(0))
        np.testing.assert_array_equal(starts.latest, pose_at(0))


def test_relocalizing_searches_everywhere_where_it_can():
    starts = StartPoses(pose_at(0), can_search=True)
    starts.take()
    assert starts.relocalize() == 'a search of the whole mesh'
    assert starts.take().map_T_camera is None


def test_relocalizing_without_a_search_returns_to_the_last_trusted_pose():
    starts = StartPoses(pose_at(0), can_search=False)
    assert starts.relocalize() == 'the start pose'
    np.testing.assert_array_equal(starts.take().map_T_camera, pose_at(0))
    starts.trust(pose_at(4))
    assert starts.relocalize() == 'the last trusted pose'
    np.testing.assert_array_equal(starts.take().map_T_camera, pose_at(4))


def test_without_any_pose_there_is_a_search_or_nothing():
    searching = StartPoses(None, can_search=True)
    assert searching.take().map_T_camera is None
    assert searching.reset() == 'a search of the whole mesh'
    starts = StartPoses(None, can_search=False)
    assert starts.take() is None
    assert starts.reset() == ''
    assert starts.relocalize() == ''
    assert starts.take() is None
    starts.give(pose_at(1))
    assert starts.reset() == 'the start pose'
    np.testing.assert_array_equal(starts.take().map_T_camera, pose_at(1))
