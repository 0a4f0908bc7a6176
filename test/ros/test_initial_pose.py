import numpy as np
import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from support.small_room import error, looking, pose_at

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros._initial_pose_message import start_from_message
from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.types.initial_pose import InitialPose


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


def start(sent: PoseWithCovarianceStamped, reference: np.ndarray | None = None) -> InitialPose:
    return start_from_message(sent, 'map', reference, (0.0, 3.0))[0]


def test_a_full_pose_is_taken_as_it_is():
    taken, added = start_from_message(message(pose_at(2)), 'map', pose_at(0), (0.0, 3.0))
    np.testing.assert_allclose(taken.map_T_camera, pose_at(2), atol=1e-9)
    assert taken.covariance is None
    assert added == ''


@pytest.mark.parametrize('heading_deg', [-170.0, -30.0, 0.0, 95.0])
def test_a_pose_from_rviz_keeps_height_and_tilt_and_looks_along_the_arrow(heading_deg):
    reference = looking((0.3, -1.0, 1.4), heading_deg=40.0, down_deg=25.0)
    sent = arrow(-1.5, 0.7, heading_deg)
    taken, added = start_from_message(sent, 'map', reference, (0.0, 3.0))
    assert added == 'a 2-D pose: height and tilt are kept'
    expected = looking((-1.5, 0.7, 1.4), heading_deg, down_deg=25.0)
    assert max(error(taken.map_T_camera, expected)) < 1e-6


@pytest.mark.parametrize('down_deg', [90.0, -90.0])
def test_a_camera_that_looks_straight_down_or_up_turns_with_the_arrow(down_deg):
    reference = looking((0.0, 0.0, 2.0), heading_deg=10.0, down_deg=down_deg)
    pose = start(arrow(1.0, 0.0, 70.0), reference).map_T_camera
    assert max(error(pose, looking((1.0, 0.0, 2.0), 70.0, down_deg))) < 1e-6


def test_a_flat_pose_without_a_reference_is_of_a_level_camera_at_any_height():
    taken, added = start_from_message(arrow(-1.5, 0.7, 30.0), 'map', None, (0.0, 3.0))
    assert added == 'a 2-D pose: height and tilt are searched for'
    assert max(error(taken.map_T_camera, looking((-1.5, 0.7, 1.5), 30.0, 0.0))) < 1e-6
    deviations = np.sqrt(np.diag(taken.covariance))
    # Even from 0 to 3 m.
    assert deviations[2] == pytest.approx(3 / np.sqrt(12))
    assert (deviations[[0, 1, 3, 4, 5]] > 0.1).all()


def test_the_covariance_says_how_wide():
    sent = arrow(1.0, 0.0, 70.0)
    given = np.zeros((6, 6))
    given[0, 0], given[1, 1], given[5, 5] = 0.25, 0.16, 0.07
    sent.pose.covariance = given.ravel()
    np.testing.assert_array_equal(start(sent, pose_at(0)).covariance, given)
    with_height = start(sent).covariance
    np.testing.assert_array_equal(with_height[[0, 1, 5], [0, 1, 5]], [0.25, 0.16, 0.07])
    assert with_height[2, 2] > 0


def test_what_a_covariance_says_of_the_height_of_a_2d_pose_does_not_count():
    sent = arrow(1.0, 0.0, 70.0)
    spread = np.eye(6)
    spread[0, 2] = spread[2, 0] = spread[0, 3] = spread[3, 0] = 0.7
    sent.pose.covariance = spread.ravel()
    taken = start(sent)
    InitialPose(taken.map_T_camera, taken.covariance)
    assert not taken.covariance[0, 1:].any()


def test_the_origin_is_a_2d_pose_where_z_is_up():
    _, added = start_from_message(message(np.eye(4)), 'map', pose_at(0), (0.0, 3.0))
    assert added == 'a 2-D pose: height and tilt are kept'


def test_where_the_map_is_a_cameras_frame_the_identity_is_a_full_pose():
    taken, added = start_from_message(message(np.eye(4)), 'map', pose_at(0), (0.0, 3.0), '-y')
    np.testing.assert_array_equal(taken.map_T_camera, np.eye(4))
    assert added == ''
    with pytest.raises(InputError, match='2-D pose, in a map whose up is -y'):
        start_from_message(arrow(1.0, 0.0, 70.0), 'map', pose_at(0), (0.0, 3.0), '-y')


@pytest.mark.parametrize('has_reference', [False, True])
def test_a_pose_in_a_frame_with_z_up_is_taken_into_a_map_with_y_up(has_reference):
    map_T_up = np.eye(4)
    map_T_up[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    map_T_up[:3, 3] = 3.0, -1.0, 2.0
    reference = looking((0.3, -1.0, 1.4), heading_deg=40.0, down_deg=25.0)
    known = map_T_up @ reference if has_reference else None
    sent = arrow(-1.5, 0.7, 30.0)
    sent.header.frame_id = 'map_up'
    sent.pose.covariance = np.diag([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).ravel()
    taken, added = start_from_message(sent, 'map', known, (0.0, 3.0), '-y', map_T_up)
    assert added.startswith('a 2-D pose: height and tilt are')
    height, down_deg = (1.4, 25.0) if has_reference else (1.5, 0.0)
    expected = map_T_up @ looking((-1.5, 0.7, height), 30.0, down_deg)
    assert max(error(taken.map_T_camera, expected)) < 1e-6
    # Y of the map is z of the frame, z is against y.
    np.testing.assert_allclose(taken.covariance[[0, 2, 4], [0, 2, 4]], [0.1, 0.2, 0.6])
    assert (taken.covariance[1, 1] == pytest.approx(0.3)) == has_reference


def test_bad_start_poses_are_refused_with_the_reason():
    def check(sent: PoseWithCovarianceStamped, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            start(sent)

    check(
        message(np.eye(4), frame='odom'),
        "frame 'odom', which has no static transform to 'map'",
    )
    sent = message(np.eye(4))
    sent.pose.pose.position.y = float('nan')
    check(sent, 'initialpose: .*finite')
    sent = message(np.eye(4))
    sent.pose.pose.orientation.w = 0.0
    check(sent, 'initialpose: .*quaternion is zero')
    sent.pose.pose.orientation.w = 2.0
    check(sent, 'initialpose: its quaternion has the length 2')
    sent = message(pose_at(0))
    sent.pose.covariance[7] = float('nan')
    check(sent, 'initialpose: .*covariance is not a finite')
    sent = message(pose_at(0))
    sent.pose.covariance[7] = -1.0
    check(sent, 'initialpose: .*covariance is negative')
    sent = message(pose_at(0))
    sent.pose.covariance[1] = 1.0
    check(sent, 'initialpose: .*covariance is not symmetric')
