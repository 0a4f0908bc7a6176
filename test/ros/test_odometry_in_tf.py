import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from support.small_room import pose_at
from support.station import LONG_S, Station
from tf2_ros import TransformBroadcaster

from mesh_reloc_ros.ros.conversions import transform_from_pose
from mesh_reloc_ros.ros.odometry import Odometry

S = 10**9


def test_stopping_ends_a_wait(station: Station):
    odometry = Odometry(station.node, 'odom')
    found = []
    thread = threading.Thread(target=lambda: found.append(odometry.at('camera', S, LONG_S)))
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    odometry.stop()
    thread.join(LONG_S / 2)
    assert found == [None]


@pytest.fixture
def sent(station: Station) -> Callable[[int, int], None]:
    """Return what says where the camera is at a stamp."""
    broadcaster = TransformBroadcaster(station.node)

    def send(step: int, stamp_ns: int) -> None:
        broadcaster.sendTransform(transform_from_pose(pose_at(step), stamp_ns, 'odom', 'camera'))
        station.spin(0.1)

    return send


def test_what_was_before_time_went_back_is_forgotten(station: Station, sent):
    odometry = Odometry(station.node, 'odom')
    while odometry.at('camera', 100 * S, 0.0) is None:
        sent(1, 100 * S)
    odometry.clear(100 * S)
    assert odometry.at('camera', 100 * S, 0.0) is None
    # TF would take it for out of date.
    sent(2, 50 * S)
    np.testing.assert_allclose(odometry.at('camera', 50 * S, LONG_S), pose_at(2), atol=1e-9)
    assert odometry.problem == ''
    odometry.stop()


@pytest.mark.parametrize('back_s', [50, 5])
def test_what_comes_late_from_before_time_went_back_is_forgotten_too(
    station: Station, sent, back_s: int
):
    odometry = Odometry(station.node, 'odom')
    while odometry.at('camera', 100 * S, 0.0) is None:
        sent(1, 100 * S)
    odometry.clear(100 * S)
    begin = (100 - back_s) * S
    sent(2, begin - S // 10)
    late = 100 * S + S // 10
    sent(9, late)
    station.wait_until(lambda: odometry.newest_ns('odom', 'camera') == late, 'the late one')
    assert odometry.at('camera', begin, 0.0) is None
    sent(3, begin)
    sent(4, begin + S // 10)
    np.testing.assert_allclose(odometry.at('camera', begin, LONG_S), pose_at(3), atol=1e-9)
    odometry.stop()
