"""The node ends in mid-stream and is started again: it goes on from the pose that it saved."""

import signal
from pathlib import Path

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticStatus
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station, start_at


@pytest.fixture
def saved(tmp_path) -> Path:
    return tmp_path / 'saved/pose.yaml'


def started(room: SmallRoom, saved: Path, *arguments: str) -> NodeProcess:
    # Without a search only a start pose helps.
    given = ('initialization:=saved', f'saved_pose_file:={saved}', 'save_pose_period:=0.1')
    given += ('relocalization.enabled:=false', 'diagnostics_period:=0.1', *arguments)
    words = [word for argument in given for word in ('-p', argument)]
    return NodeProcess('-p', f'mesh:={room.mesh}', *words)


@pytest.mark.parametrize('end', [signal.SIGKILL, signal.SIGINT])
def test_it_goes_on_from_the_saved_pose(
    station: Station, room: SmallRoom, saved: Path, end: signal.Signals
):
    camera = LiveCamera(station, room)
    first = started(room, saved, start_at(pose_at(0)))
    second = None
    try:
        camera.connect(first)
        for step in range(0, 24, 2):
            stamp = camera.show(pose_at(step))
        assert camera.wait_for_error(stamp)[0] < 0.01
        station.wait_until(lambda: _saved_within(saved, pose_at(22), 0.05), 'the file')
        first.end(end)
        # The camera goes on meanwhile.
        for _ in range(3):
            camera.publish(camera.messages(pose_at(23), station.next_stamp_ns())[1])
        second = started(room, saved)
        camera.connect(second)
        second.wait_for_line(f'starting from the pose saved in {saved}')
        assert camera.wait_for_error(camera.show(pose_at(24)))[0] < 0.01
        assert second.end(signal.SIGINT) == 0
    finally:
        camera.close()
        first.kill()
        if second is not None:
            second.kill()


@pytest.mark.dds
def test_a_pose_in_another_mesh_is_left_out_with_the_reason(room: SmallRoom, saved: Path):
    saved.parent.mkdir()
    other = {'mesh': '/other.obj', 'map_frame': 'map', 'pose': [0.0] * 6 + [1.0]}
    saved.write_text(yaml.safe_dump(other))
    process = started(room, saved)
    try:
        process.wait_for_line('[WARN]', f'saved pose {saved} is of mesh', 'left out')
        process.wait_for_line('ready')
        assert process.end(signal.SIGTERM) == 0
        # Without a pose nothing is written.
        assert yaml.safe_load(saved.read_text()) == other
    finally:
        process.kill()


def test_while_the_pose_cannot_be_saved_a_warning_stays(
    station: Station, room: SmallRoom, tmp_path: Path
):
    (tmp_path / 'no folder').touch()
    process = started(room, tmp_path / 'no folder/pose.yaml', start_at(pose_at(0)))
    camera = LiveCamera(station, room)
    try:
        camera.connect(process)
        for step in range(6):
            camera.wait_for_pose(camera.show(pose_at(0.1 * step)))
        station.wait_until(lambda: 'cannot be saved' in camera.status('process').message)
        camera.diagnostics.clear()
        station.wait_until(lambda: len(camera.diagnostics) > 12, 'diagnostics')
        told = [s for m in camera.diagnostics for s in m.status if s.name.endswith('process')]
        assert {status.level for status in told} == {DiagnosticStatus.WARN}
    finally:
        camera.close()
        process.kill()


def _saved_within(file: Path, pose, metres: float) -> bool:
    if not file.exists():
        return False
    numbers = yaml.safe_load(file.read_text())['pose']
    return max(abs(a - b) for a, b in zip(numbers, pose[:3, 3], strict=False)) < metres
