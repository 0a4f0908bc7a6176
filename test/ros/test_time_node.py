"""Stamps of all kinds and simulated time over DDS; one process for all tests, in their order."""

from collections.abc import Iterator

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from support.lifecycle import set_parameters
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, looking, pose_at
from support.station import FEW_VIEWS, NodeProcess, Station, image_message, stamp_ns

S = 10**9
BEGIN = 5000 * S
ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', 'use_sim_time:=true',
        '-p', FEW_VIEWS,
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


def are_well(camera: LiveCamera) -> bool:
    """Return whether the node finds nothing wrong with the images."""
    return camera.status('images').level == DiagnosticStatus.OK


def test_a_clock_that_stands_still_is_reported_and_images_are_tracked(
    process: NodeProcess, camera: LiveCamera
):
    assert camera.wait_for_error(camera.show_until_found(pose_at(0), after=BEGIN))[0] < 0.01
    process.wait_for_line('[WARN]', 'no time comes on /clock')
    camera.station.wait_until(
        lambda: 'no time comes on /clock' in camera.status('images').message, 'the reason'
    )


def test_with_a_clock_all_is_well(camera: LiveCamera, clock):
    clock(BEGIN + 4 * S)
    camera.wait_for_pose(
        camera.show_until(lambda: are_well(camera), pose_at(0.3), after=camera.newest)
    )


def test_images_without_a_stamp_are_refused(process: NodeProcess, camera: LiveCamera):
    published = camera.published()
    camera.send(image_message(camera.room.view(pose_at(0)), 0))
    process.wait_for_line('[ERROR]', 'image has no stamp: have the driver set header.stamp')
    assert camera.status().level == DiagnosticStatus.ERROR
    assert camera.published() == published


def test_images_out_of_order_are_left_out(camera: LiveCamera):
    newest = camera.newest + S // 30
    camera.wait_for_pose(camera.show(pose_at(0.6), newest))
    out_of_order, published = camera.count('images out of order'), camera.published()
    for stamp in (newest, newest - S // 100):
        camera.send(image_message(camera.room.view(pose_at(0.6)), stamp))
    assert camera.count('images out of order') == out_of_order + 2
    assert camera.published() == published
    camera.wait_for_pose(camera.show(pose_at(0.9), newest + S // 30))


def test_a_single_image_of_long_ago_is_left_out(process: NodeProcess, camera: LiveCamera):
    newest = camera.newest
    for number, ago in enumerate((2 * S, 35 * S)):
        camera.send(image_message(camera.room.view(pose_at(0.9)), newest - ago))
        camera.wait_for_pose(camera.show(pose_at(1.0), newest + (number + 1) * S // 30))
    assert not process.count('time went back')


def test_a_jump_ahead_to_another_place(process: NodeProcess, camera: LiveCamera, clock):
    clock(BEGIN + 100 * S)
    found = camera.show_until_found(ELSEWHERE, after=BEGIN + 100 * S)
    assert camera.wait_for_error(found)[0] < 0.01
    # The mesh stays.
    assert process.count('loading') == 1


def test_stamps_from_the_future_are_reported_and_tracked(process: NodeProcess, camera: LiveCamera):
    found = camera.show_until_found(ELSEWHERE, after=BEGIN + 4000 * S)
    assert camera.wait_for_error(found)[0] < 0.01
    process.wait_for_line('[WARN]', 'stamps are ahead of /clock')
    process.wait_for_line('[WARN]', 'no TF: the image is stamped far ahead of the clock')
    # Whoever listens to TF would drop all that comes after.
    stamps = {stamp_ns(transform) for transform in camera.transforms()}
    assert max(stamps) < BEGIN + 1000 * S < found


def test_a_jump_back_as_when_a_bag_loops(process: NodeProcess, camera: LiveCamera, clock):
    clock(BEGIN)
    assert camera.wait_for_error(camera.show_until_found(pose_at(3), after=BEGIN))[0] < 0.01
    process.wait_for_line('time went back in the images')
    camera.show_until(lambda: are_well(camera), pose_at(3), after=camera.newest)


def test_stamps_that_stand_still_are_reported(
    process: NodeProcess, camera: LiveCamera, station: Station
):
    assert set_parameters(station, image_timeout=1.0) == ''
    camera.wait_for_state('TRACKING')
    reason = 'images arrive, but none that is newer than the last'

    def is_reported() -> bool:
        return reason in camera.status().message

    camera.show_until(is_reported, pose_at(3), after=camera.newest, step_ns=0)
    assert camera.status().level == DiagnosticStatus.WARN
    process.wait_for_line('[WARN]', reason)


def test_two_publishers_on_the_topic_are_named(
    process: NodeProcess, camera: LiveCamera, station: Station
):
    rival = station.node.create_publisher(Image, 'image_rect', 5)
    process.wait_for_line('[WARN]', 'several publish images on /image_rect (/station, /station)')
    station.node.destroy_publisher(rival)
    station.wait_until(
        lambda: 'several publish' not in camera.status('images').message, 'no warning'
    )
