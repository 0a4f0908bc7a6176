"""Stamps of all kinds and simulated time over DDS; one process for all tests, in their order."""

from collections.abc import Iterator

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, error, looking, pose_at
from support.station import NodeProcess, Station, stamp_ns

S = 10**9
BEGIN = 5000 * S
ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', 'use_sim_time:=true',
        '-p', 'relocalization.max_viewpoints:=600',
        '-p', 'save_pose_period:=0.0',
        '-p', 'diagnostics_period:=0.1',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.fixture(scope='module')
def clock(station: Station, camera: LiveCamera):
    publisher = station.node.create_publisher(Clock, '/clock', 10)

    def set_clock(now_ns: int) -> None:
        def is_set() -> bool:
            # Again and again, as a player does: the node may hear a first one too late or never.
            publisher.publish(Clock(clock=Time(sec=now_ns // S, nanosec=now_ns % S)))
            return stamp_ns(camera.diagnostics[-1]) == now_ns

        station.wait_until(is_set, "the time on the node's clock")

    return set_clock


def shown_until_found(camera: LiveCamera, pose: np.ndarray, stamp: int) -> int:
    """Show a place, with some life in it, until it is found; return the stamp of its pose."""
    before = len(camera.poses)
    for number in range(60):
        stamp += S // 30
        moved = pose.copy()
        moved[0, 3] += 0.002 * np.sin(number)
        camera.show(moved, stamp)
        camera.station.spin(0.1)
        if len(camera.poses) > before:
            break
    assert error(camera.wait_for_pose(camera.stamps()[before]), pose)[0] < 0.02
    return stamp


def shown_until_well(camera: LiveCamera, pose: np.ndarray, stamp: int) -> int:
    """Show a place until nothing is wrong with the images; return the last stamp."""
    for _ in range(60):
        stamp += S // 30
        camera.show(pose, stamp)
        if camera.status('images').level == DiagnosticStatus.OK:
            return stamp
    raise AssertionError(camera.status('images').message)


def test_a_clock_that_stands_still_is_reported_and_images_are_tracked(
    process: NodeProcess, camera: LiveCamera
):
    shown_until_found(camera, pose_at(0), BEGIN)
    process.wait_for_line('[WARN]', 'no time comes on /clock')
    camera.station.wait_until(
        lambda: 'no time comes on /clock' in camera.status('images').message, 'the reason'
    )


def test_with_a_clock_all_is_well(camera: LiveCamera, clock):
    clock(BEGIN + 4 * S)
    camera.wait_for_pose(shown_until_well(camera, pose_at(0.3), max(camera.stamps())))


def test_images_without_a_stamp_are_refused(process: NodeProcess, camera: LiveCamera):
    count = len(camera.poses)
    camera.show(pose_at(0), 0)
    process.wait_for_line('[ERROR]', 'image has no stamp: have the driver set header.stamp')
    assert camera.status().level == DiagnosticStatus.ERROR
    assert len(camera.poses) == count


def test_images_out_of_order_are_left_out(camera: LiveCamera):
    newest = max(camera.stamps()) + S // 30
    camera.wait_for_pose(camera.show(pose_at(0.6), newest))
    for stamp in (newest, newest - S // 100):
        camera.show(pose_at(0.6), stamp)
    assert camera.value('images out of order') == '2'
    assert camera.stamps().count(newest) == 1
    camera.wait_for_pose(camera.show(pose_at(0.9), newest + S // 30))


def test_a_single_image_of_long_ago_is_left_out(process: NodeProcess, camera: LiveCamera):
    newest = max(camera.stamps())
    for number, ago in enumerate((2 * S, 35 * S)):
        camera.show(pose_at(0.9), newest - ago)
        camera.wait_for_pose(camera.show(pose_at(1.0), newest + (number + 1) * S // 30))
    assert not process.count('time went back')


def test_a_jump_ahead_to_another_place(process: NodeProcess, camera: LiveCamera, clock):
    clock(BEGIN + 100 * S)
    shown_until_found(camera, ELSEWHERE, BEGIN + 100 * S)
    # The mesh stays.
    assert process.count('loading') == 1


def test_stamps_from_the_future_are_reported_and_tracked(process: NodeProcess, camera: LiveCamera):
    shown_until_found(camera, ELSEWHERE, BEGIN + 4000 * S)
    process.wait_for_line('[WARN]', 'stamps are ahead of /clock')
    process.wait_for_line('[WARN]', 'no TF: the image is stamped far ahead of the clock')
    # Whoever listens to TF would drop all that comes after.
    stamps = {stamp_ns(t) for message in camera.transforms for t in message.transforms}
    assert max(stamps) < BEGIN + 1000 * S < max(camera.stamps())


def test_a_jump_back_as_when_a_bag_loops(process: NodeProcess, camera: LiveCamera, clock):
    clock(BEGIN)
    stamp = shown_until_found(camera, pose_at(3), BEGIN)
    process.wait_for_line('time went back in the images')
    shown_until_well(camera, pose_at(3), stamp)


def test_stamps_that_stand_still_are_reported(
    process: NodeProcess, camera: LiveCamera, station: Station
):
    assert set_parameters(station, image_timeout=1.0) == ''
    camera.station.wait_until(lambda: camera.status().message == 'TRACKING', 'tracking')
    newest = max(camera.stamps()[-3:])
    for number in range(40):
        camera.show(pose_at(3 + 0.01 * number), newest)
        if camera.status().message != 'TRACKING':
            break
        station.spin(0.1)
    process.wait_for_line('[WARN]', 'images arrive, but none that is newer than the last')
    assert camera.status().level == DiagnosticStatus.WARN


def test_two_publishers_on_the_topic_are_named(
    process: NodeProcess, camera: LiveCamera, station: Station
):
    rival = station.node.create_publisher(Image, 'image_rect', 5)
    process.wait_for_line('[WARN]', 'several publish images on /image_rect (/station, /station)')
    station.node.destroy_publisher(rival)
    station.wait_until(
        lambda: 'several publish' not in camera.status('images').message, 'no warning'
    )
