"""Two cameras: a node each, in a namespace of its own, with one mesh."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, pose_at
from support.station import NodeProcess, Station, start_at

NAMES = ('left', 'right')


@pytest.fixture(scope='module')
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('home')


@pytest.fixture(scope='module')
def processes(room: SmallRoom, home: Path) -> Iterator[dict[str, NodeProcess]]:
    processes = {
        name: NodeProcess(
            '-r', f'__ns:=/{name}',
            '-p', f'mesh:={room.mesh}',
            '-p', start_at(pose_at(0)),
            '-p', f'camera_frame:={name}_eye',
            '-p', 'relocalization.enabled:=false',
            '-p', 'diagnostics_period:=0.1',
            environment={'ROS_HOME': str(home)},
        )
        for name in NAMES
    }  # fmt: skip
    yield processes
    for process in processes.values():
        process.kill()


@pytest.fixture(scope='module')
def cameras(
    processes: dict[str, NodeProcess], station: Station, room: SmallRoom
) -> dict[str, LiveCamera]:
    cameras = {name: LiveCamera(station, room, namespace=f'/{name}') for name in NAMES}
    for name, camera in cameras.items():
        camera.connect(processes[name])
    return cameras


def test_each_tracks_its_own_camera(cameras: dict[str, LiveCamera]):
    for name, place in {'left': pose_at(0.5), 'right': pose_at(-0.5)}.items():
        stamp = cameras[name].show(place)
        assert cameras[name].wait_for_error(stamp)[0] < 0.01
        cameras[name].wait_for_transform(stamp, f'{name}_eye')
    assert [camera.published() for camera in cameras.values()] == [(1, 1), (1, 1)]


def test_services_are_for_one_of_them(cameras: dict[str, LiveCamera]):
    assert cameras['left'].call('reset').success
    cameras['right'].wait_for_pose(cameras['right'].show(pose_at(-0.4)))
    assert cameras['right'].count('images tracked') == 2
    assert cameras['left'].count('images tracked') == 1


def test_both_end_with_status_zero_and_each_has_saved_its_pose(
    processes: dict[str, NodeProcess], cameras: dict[str, LiveCamera], home: Path
):
    assert [process.end(signal.SIGINT) for process in processes.values()] == [0, 0]
    files = {file.name for file in (home / 'mesh_reloc_ros').iterdir()}
    assert files == {'left.mesh_reloc.yaml', 'right.mesh_reloc.yaml'}
