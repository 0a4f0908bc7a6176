"""What the diagnostics say where images come faster than they can be tracked."""

import time
from collections.abc import Iterator

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from support.live_camera import LiveCamera
from support.patience import LONG_S
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station, camera_info, image_message, start_at

from mesh_reloc_ros.ros import _processor_time
from mesh_reloc_ros.ros._processor_time import ProcessorTime


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """Return the time that passes, in one entry."""
    now = [0.0]
    monkeypatch.setattr(_processor_time.time, 'monotonic', lambda: now[0])
    return now


def watched(clock: list[float], *shares: float, is_searching: bool = False) -> ProcessorTime:
    """Return what has watched six seconds of 30 images a second with each share dropped."""
    load, processed, dropped = ProcessorTime(), 0.0, 0.0
    for share in shares:
        for _ in range(24):
            clock[0] += 0.25
            processed, dropped = processed + 7.5 * (1 - share), dropped + 7.5 * share
            load.watch(round(processed), round(dropped), is_searching=is_searching)
    return load


def test_a_large_share_is_reported_with_the_level_and_what_to_do(clock):
    load = watched(clock, 0.1, 0.6)
    reason = load.problem(1, reduces=True)
    assert reason.startswith('too little processor time: 60 % of the images dropped, working at')
    assert 'level 1; lower the rate of the camera' in reason
    assert 'level 0; set reduce_under_load to true, lower' in load.problem(0, reduces=False)


def test_a_small_share_one_that_is_over_and_one_of_a_search_are_no_problem(clock):
    for load in (
        watched(clock, 0.15),
        watched(clock, 0.6, 0.1),
        watched(clock, 0.9, is_searching=True),
    ):
        assert load.problem(0, reduces=True) == ''


@pytest.fixture
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0)),
        '-p', 'relocalization.enabled:=false',
        '-p', 'diagnostics_period:=0.1',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    yield process
    process.kill()


def test_images_that_come_too_fast_are_reported(
    process: NodeProcess, station: Station, room: SmallRoom
):
    camera = LiveCamera(station, room)
    camera.connect(process)
    camera.wait_for_pose(camera.show(pose_at(0)))
    views = [room.view(pose_at(0.01 * step)) for step in range(4)]
    deadline, number = time.monotonic() + LONG_S, 0
    while 'too little processor time' not in camera.status('images').message:
        assert time.monotonic() < deadline
        # Many at once: the node cannot keep pace, however fast it is.
        for _ in range(6):
            number += 1
            image, info = image_message(views[number % 4], station.next_stamp_ns()), camera_info()
            info.header = image.header
            camera.publish(info)
            camera.publish(image)
        station.spin(0.02)
    assert camera.status('images').level == DiagnosticStatus.WARN
    process.wait_for_line('[WARN]', 'too little processor time', 'working at level 1; lower')
    station.spin(1.0)
    assert process.count('too little processor time') == 1
    camera.close()
