"""What odometry in TF says of the camera, and how long the node waits for it."""

import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from support.patience import LONG_S
from support.small_room import pose_at
from support.station import Station
from tf2_ros import TransformBroadcaster

from mesh_reloc_ros.ros._odometry import Odometry
from mesh_reloc_ros.ros.conversions import transform_from_pose

S = 10**9


class Robot:
    """Publishes where its camera is, and looks that up."""

    def __init__(self, station: Station) -> None:
        self.odometry = Odometry(station.node, 'odom')
        self._station = station
        self._broadcaster = TransformBroadcaster(station.node)

    def move(self, step: int, stamp_ns: int) -> None:
        self._broadcaster.sendTransform(
            transform_from_pose(pose_at(step), stamp_ns, 'odom', 'camera')
        )

    def move_until_known(self, step: int, stamp_ns: int) -> None:
        """Publish a place until it is heard, as the first transforms may be lost."""

        def is_known() -> bool:
            return self.odometry.at('camera', stamp_ns, 0.0) is not None

        deadline = time.monotonic() + LONG_S
        while not self._station.spin_until(is_known, 0.1):
            assert time.monotonic() < deadline
            self.move(step, stamp_ns)

    def wait_for_pose(self, stamp_ns: int) -> NDArray[np.float64] | None:
        """Look the camera up on a thread, as the node does, while messages are processed."""
        found: list[NDArray[np.float64] | None] = []
        thread = threading.Thread(
            target=lambda: found.append(self.odometry.at('camera', stamp_ns, LONG_S))
        )
        thread.start()
        self._station.wait_until(lambda: not thread.is_alive(), 'the pose of the camera')
        return found[0]


@pytest.fixture
def robot(station: Station):
    robot = Robot(station)
    yield robot
    robot.odometry.stop()


def test_stopping_ends_a_wait(robot: Robot):
    found = []
    thread = threading.Thread(target=lambda: found.append(robot.odometry.at('camera', S, LONG_S)))
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    robot.odometry.stop()
    thread.join(LONG_S / 2)
    assert found == [None]


def test_a_transform_that_comes_late_is_waited_for(robot: Robot):
    robot.move_until_known(1, S)
    late = threading.Timer(0.1, robot.move, [2, 2 * S])
    late.start()
    np.testing.assert_allclose(robot.wait_for_pose(2 * S), pose_at(2), atol=1e-9)
    late.join()


def test_an_image_of_just_before_odometry_began_is_no_problem(robot: Robot):
    robot.move_until_known(1, 100 * S)
    assert robot.odometry.at('camera', 99 * S, 0.0) is None
    assert robot.odometry.problem == ''
    assert robot.odometry.at('camera', 60 * S, 0.0) is None
    assert 'which are too old' in robot.odometry.problem


def test_what_was_before_time_went_back_is_forgotten(robot: Robot):
    robot.move_until_known(1, 100 * S)
    robot.odometry.clear(100 * S)
    assert robot.odometry.at('camera', 100 * S, 0.0) is None
    # TF would take it for out of date.
    robot.move(2, 50 * S)
    np.testing.assert_allclose(robot.wait_for_pose(50 * S), pose_at(2), atol=1e-9)
    assert robot.odometry.problem == ''


@pytest.mark.parametrize('back_s', [50, 5])
def test_what_comes_late_from_before_time_went_back_is_forgotten_too(
    station: Station, robot: Robot, back_s: int
):
    robot.move_until_known(1, 100 * S)
    robot.odometry.clear(100 * S)
    begin, late = (100 - back_s) * S, 100 * S + S // 10
    robot.move(2, begin - S // 10)
    robot.move(9, late)
    station.wait_until(lambda: robot.odometry.newest_ns('odom', 'camera') == late, 'the late one')
    assert robot.odometry.at('camera', begin, 0.0) is None
    robot.move(3, begin)
    robot.move(4, begin + S // 10)
    np.testing.assert_allclose(robot.wait_for_pose(begin), pose_at(3), atol=1e-9)
