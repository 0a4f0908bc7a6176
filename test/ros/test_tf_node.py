"""What the node says in TF and hears of odometry there; one process, configured several times."""

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray
from rclpy.time import Time
from support.lifecycle import configured_anew, set_parameters
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, error, looking, pose_at
from support.station import NodeProcess, Station, matrix, stamp_ns, start_at
from tf2_ros import Buffer, StaticTransformBroadcaster, TransformBroadcaster, TransformListener

from mesh_reloc_ros.ros.conversions import transform_from_pose

S = 10**9
PATIENCE_S = 5.0
AHEAD_NS = S // 4
MAP_T_ODOM = looking((3.0, -2.0, 0.1), heading_deg=120.0, down_deg=5.0)
BASE_T_CAMERA = looking((0.2, 0.0, 1.1), heading_deg=5.0, down_deg=10.0)


class Robot:
    """Says where its base is in the odometry's frame, as TF."""

    def __init__(self, station: Station) -> None:
        self._broadcaster = TransformBroadcaster(station.node)
        self._static = StaticTransformBroadcaster(station.node)

    def mount_camera(self) -> None:
        self._static.sendTransform(transform_from_pose(BASE_T_CAMERA, 0, 'base', 'camera_optical'))

    def move(self, map_T_camera: NDArray[Any], stamp: int, *, astray: bool = False) -> None:
        odom_T_base = np.linalg.inv(MAP_T_ODOM) @ map_T_camera @ np.linalg.inv(BASE_T_CAMERA)
        transform = transform_from_pose(odom_T_base, stamp, 'odom', 'base')
        if astray:
            transform.transform.translation.x = float('inf')
        self._broadcaster.sendTransform(transform)


@pytest.fixture(scope='module')
def process(room: SmallRoom, tmp_path_factory) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0.3)),
        '-p', 'diagnostics_period:=0.1',
        '-p', 'relocalization.enabled:=false',
        '-p', 'publish_tf:=map_odom',
        '-p', 'transform_timeout:=0.2',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.fixture(scope='module')
def robot(station: Station) -> Robot:
    return Robot(station)


@pytest.fixture(scope='module')
def buffer(station: Station) -> Buffer:
    buffer = Buffer()
    TransformListener(buffer, station.node)
    return buffer


def show(camera: LiveCamera, robot: Robot, step: float) -> int:
    """Move the robot to a place and show it; return the stamp."""
    stamp = camera.station.next_stamp_ns()
    robot.move(pose_at(step), stamp)
    return camera.show(pose_at(step), stamp)


def show_until_no_tf(camera: LiveCamera, robot: Robot, reason: str) -> None:
    """Show a place until the node knows the transforms that keep it from sending its own."""

    def is_reported() -> bool:
        return reason in camera.status('TF').message

    camera.show_until(is_reported, pose_at(0), before_each=robot.move)
    poses, transforms = camera.published()
    show(camera, robot, 0.1)
    assert camera.published() == (poses + 1, transforms)


def test_without_odometry_there_are_poses_and_a_reason_but_no_tf(
    process: NodeProcess, camera: LiveCamera
):
    for step in range(3):
        camera.wait_for_pose(camera.show(pose_at(step)))
    # At the start odometry may just not have been found yet.
    camera.show_until(lambda: process.count('TF has no transform odom'), pose_at(3))
    process.wait_for_line('[WARN]', 'TF has no transform odom -> camera_optical')
    assert not process.count('no TF')
    assert camera.status('TF').level == DiagnosticStatus.WARN
    assert 'start odometry' in camera.status('TF').message
    assert camera.status().level == DiagnosticStatus.OK
    assert process.count('TF has no transform') == 1
    assert not camera.transforms('odom')


def test_with_odometry_the_map_is_tied_to_odom(
    camera: LiveCamera, robot: Robot, station: Station, buffer: Buffer
):
    robot.mount_camera()
    # Once odometry was waited for in vain, the node does not wait for a while.
    camera.show_until(lambda: camera.transforms('odom'), pose_at(3), before_each=robot.move)
    assert set_parameters(station, transform_timeout=PATIENCE_S) == ''
    for step in (4, 5):
        stamp = show(camera, robot, step)
        pose = camera.wait_for_pose(stamp)
        transform = camera.wait_for_transform(stamp, 'odom')
        assert transform.header.frame_id == 'map'
    map_T_odom = matrix(transform.transform.translation, transform.transform.rotation)
    assert error(map_T_odom, MAP_T_ODOM)[0] < 0.02
    at = Time(nanoseconds=stamp)
    station.wait_until(lambda: buffer.can_transform('map', 'camera_optical', at), 'TF')
    found = buffer.lookup_transform('map', 'camera_optical', at).transform
    assert max(error(matrix(found.translation, found.rotation), pose)) < 1e-6
    # Each frame has one parent.
    parents = {t.header.frame_id for t in camera.transforms('camera_optical')}
    assert 'map' not in parents
    assert camera.status('TF').level == DiagnosticStatus.OK


def test_a_late_transform_is_waited_for(camera: LiveCamera, robot: Robot, station: Station):
    stamp = station.next_stamp_ns()
    received = camera.count('images received')
    for message in camera.messages(pose_at(6), stamp):
        camera.publish(message)
    station.wait_until(lambda: camera.count('images received') > received, 'the image')
    camera.wait_for_new_diagnostics()
    assert not camera.is_processed()
    robot.move(pose_at(6), stamp)
    camera.wait_for_transform(stamp, 'odom')


def test_a_transform_that_never_comes_is_reported(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    assert set_parameters(station, transform_timeout=0.05) == ''
    poses, transforms = camera.published()
    camera.show(pose_at(7))
    assert camera.published() == (poses + 1, transforms)
    process.wait_for_line('[WARN]', 'odom -> camera_optical too late: raise transform_timeout')


def test_odometry_that_is_not_finite_is_reported(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    assert set_parameters(station, transform_timeout=PATIENCE_S) == ''
    stamp = station.next_stamp_ns()
    robot.move(pose_at(7.5), stamp, astray=True)
    camera.wait_for_pose(camera.show(pose_at(7.5), stamp))
    process.wait_for_line('[WARN]', 'odom in TF is not finite')


def test_map_to_odom_is_dated_ahead(camera: LiveCamera, robot: Robot, station: Station):
    assert set_parameters(station, transform_tolerance=0.25) == ''
    camera.wait_for_transform(show(camera, robot, 8) + AHEAD_NS, 'odom')


def test_odometry_counts_again_after_time_went_back(
    camera: LiveCamera, robot: Robot, station: Station
):
    # The first of the new time has no transform around it: it is not to be waited for long.
    assert set_parameters(station, transform_timeout=0.3) == ''
    before = station.next_stamp_ns()
    begin = before - 1000 * S
    for number in range(10):
        stamp = begin + number * S // 30
        robot.move(pose_at(0.1 * number), stamp)
        camera.show(pose_at(0.1 * number), stamp)
        if number == 3:
            # Late, from before time went back: TF would take all that follows for out of date.
            robot.move(pose_at(8), before)
    camera.wait_for_pose(stamp)

    def is_back() -> bool:
        stamps = [stamp_ns(transform) for transform in camera.transforms('odom')]
        return camera.newest + AHEAD_NS in stamps

    camera.show_until(is_back, pose_at(0.9), after=stamp, before_each=robot.move)
    assert set_parameters(station, transform_timeout=PATIENCE_S) == ''


def test_odometry_predicts_what_constant_velocity_cannot(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    configured_anew(station, process, publish_tf='none', use_odometry=True)
    camera.connect(process)
    far = 20
    for step in (0, 0.1, 0.2, far):
        camera.wait_for_pose(show(camera, robot, step))
    assert camera.published() == (4, 0)
    configured_anew(station, process, use_odometry=False)
    camera.connect(process)
    for step in (0, 0.1, 0.2):
        camera.wait_for_pose(camera.show(pose_at(step)))
    camera.show(pose_at(far))
    assert camera.published() == (3, 0)


def test_a_camera_that_has_a_parent_gets_no_second_one(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    configured_anew(station, process, publish_tf='map_camera')
    camera.connect(process)
    show_until_no_tf(camera, robot, "camera_optical has the parent 'base' already")
    assert 'publish_tf to map_odom' in camera.status('TF').message
    process.wait_for_line('[WARN]', "no TF: camera_optical has the parent 'base' already")


def test_where_somebody_else_ties_the_map_to_odom_the_node_does_not(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    StaticTransformBroadcaster(station.node).sendTransform(
        transform_from_pose(np.eye(4), 0, 'map', 'odom')
    )
    configured_anew(station, process, publish_tf='map_odom')
    camera.connect(process)
    show_until_no_tf(camera, robot, 'another node publishes map -> odom')
    process.wait_for_line('[WARN]', 'no TF: another node publishes map -> odom')


def test_another_parent_of_odom_is_not_taken_away(
    process: NodeProcess, camera: LiveCamera, robot: Robot, station: Station
):
    StaticTransformBroadcaster(station.node).sendTransform(
        transform_from_pose(np.eye(4), 0, 'world', 'odom')
    )
    show_until_no_tf(camera, robot, "odom has the parent 'world' already")
    process.wait_for_line('[WARN]', "no TF: odom has the parent 'world' already; set odom_frame to")


def test_sigterm_ends_with_status_zero(process: NodeProcess, camera: LiveCamera):
    assert process.end(signal.SIGTERM) == 0
    assert not process.count('Traceback')
