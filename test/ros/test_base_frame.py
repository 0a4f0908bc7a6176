"""Poses of the robot's base: `initialpose` and `~/odometry` with `base_frame`, over DDS."""

import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from nav_msgs.srv import SetMap
from scipy.spatial.transform import Rotation
from support.live_camera import LiveCamera
from support.patience import LONG_S
from support.small_room import SmallRoom, error, looking, pose_at
from support.station import FEW_VIEWS, NodeProcess, Station, matrix
from tf2_ros import StaticTransformBroadcaster

from mesh_reloc_ros.ros._mount import covariance_at
from mesh_reloc_ros.ros.conversions import pose_to_message, transform_from_pose
from mesh_reloc_ros.types.pose import pose_to_numbers

BASE_T_CAMERA = looking((0.2, -0.1, 1.1), heading_deg=20.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', 'base_frame:=base_link',
        '-p', FEW_VIEWS,
        '-p', 'diagnostics_period:=0.1',
        '-p', 'publish_tf:=none',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    yield process
    process.kill()


def send_until_taken(
    camera: LiveCamera, process: NodeProcess, message: PoseWithCovarianceStamped
) -> None:
    """Send a start pose until the node takes it."""
    taken, deadline = 'start pose from initialpose', time.monotonic() + LONG_S
    before = process.count(taken)
    while process.count(taken) == before:
        assert time.monotonic() < deadline
        camera.start_poses.publish(message)
        camera.station.spin(0.2)


def start_message(map_T_base: np.ndarray) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped()
    message.header.frame_id = 'map'
    message.pose.pose = pose_to_message(map_T_base)
    return message


def test_until_the_camera_is_mounted_poses_of_the_base_are_refused(
    camera: LiveCamera, process: NodeProcess
):
    camera.start_poses.publish(start_message(np.eye(4)))
    process.wait_for_line('[ERROR]', 'base_link -> camera is unknown: set camera_frame')
    camera.show_until(
        lambda: 'no ~/odometry: TF has no static transform' in camera.status('TF').message,
        pose_at(0),
    )
    camera.start_poses.publish(start_message(np.eye(4)))
    process.wait_for_line('[ERROR]', 'TF has no static transform base_link -> camera_optical')


def test_a_pose_on_initialpose_is_that_of_the_base(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    StaticTransformBroadcaster(station.node).sendTransform(
        transform_from_pose(BASE_T_CAMERA, 0, 'base_link', 'camera_optical')
    )
    truth = pose_at(5)
    send_until_taken(camera, process, start_message(truth @ np.linalg.inv(BASE_T_CAMERA)))
    numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(truth))
    process.wait_for_line('start pose from initialpose', numbers)
    assert camera.wait_for_error(camera.show(truth))[0] < 0.01


def test_a_pose_by_the_service_is_that_of_the_base(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    truth = pose_at(4.5)
    request = SetMap.Request(initial_pose=start_message(truth @ np.linalg.inv(BASE_T_CAMERA)))
    assert station.call(SetMap, 'mesh_reloc/set_pose', request).success
    numbers = ' '.join(f'{number:.3f}' for number in pose_to_numbers(truth))
    process.wait_for_line('start pose from set_pose', numbers)
    assert camera.wait_for_error(camera.show(truth))[0] < 0.01


def test_the_pose_of_the_base_is_published_as_odometry(camera: LiveCamera, station: Station):
    heard = station.listen(Odometry, 'mesh_reloc/odometry', 100)
    camera.show_until(lambda: heard, pose_at(5))
    stamp = camera.show_until_found(pose_at(6))
    message = station.wait_for_stamp(heard, stamp)
    assert (message.header.frame_id, message.child_frame_id) == ('map', 'base_link')
    base = matrix(message.pose.pose.position, message.pose.pose.orientation)
    assert max(error(base @ BASE_T_CAMERA, camera.wait_for_pose(stamp))) < 1e-4
    camera_T = station.wait_for_stamp(camera.covariances, stamp).pose.covariance.reshape(6, 6)
    here = np.asarray(message.pose.covariance).reshape(6, 6)
    np.testing.assert_allclose(here[3:, 3:], camera_T[3:, 3:], rtol=1e-6)
    assert np.linalg.eigvalsh(here).min() > 0
    # A metre away, the rotation moves the point.
    assert not np.allclose(here[:3, :3], camera_T[:3, :3], rtol=0.01)


def test_an_arrow_of_rviz_is_the_heading_of_the_base(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    map_T_base = pose_at(6) @ np.linalg.inv(BASE_T_CAMERA)
    yaw = np.arctan2(map_T_base[1, 0], map_T_base[0, 0])
    message = start_message(np.eye(4))
    message.pose.pose.position.x, message.pose.pose.position.y = map_T_base[:2, 3]
    message.pose.pose.orientation.z = np.sin(yaw / 2)
    message.pose.pose.orientation.w = np.cos(yaw / 2)
    send_until_taken(camera, process, message)
    line = [line for line in process.lines if 'a 2-D pose: height and tilt are kept' in line][-1]
    numbers = [float(word) for word in line.split('initialpose: ')[1].split(' (')[0].split()]
    taken = np.eye(4)
    taken[:3, 3], taken[:3, :3] = numbers[:3], Rotation.from_quat(numbers[3:]).as_matrix()
    distance, angle = error(taken, pose_at(6))
    assert distance < 0.02
    assert angle < 0.5


def test_ctrl_c_ends_with_status_zero(process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')


def test_a_covariance_at_another_point_is_that_of_samples():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6)) * 1e-3
    lever = np.array([0.5, -1.0, 2.0])
    samples = rng.normal(size=(200_000, 6)) @ root.T
    moved = samples[:, :3] + Rotation.from_rotvec(samples[:, 3:]).apply(lever) - lever
    expected = np.cov(np.hstack((moved, samples[:, 3:])).T)
    found = covariance_at(root @ root.T, lever)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
