"""The node over DDS without a start pose: it finds the camera by itself."""

import signal
from collections.abc import Iterator

import pytest
from support.live_camera import LiveCamera
from support.small_room import SmallRoom, looking, pose_at
from support.station import FEW_VIEWS, NodeProcess

from mesh_reloc_ros.array_cache import cache_file

ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    cache_file(room.mesh, 'views').unlink(missing_ok=True)
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', FEW_VIEWS,
        '-p', 'diagnostics_period:=0.1',
    )  # fmt: skip
    yield process
    process.kill()


def test_the_camera_is_found_wherever_it_is(camera: LiveCamera, room: SmallRoom):
    assert cache_file(room.mesh, 'views').is_file()
    for place in (pose_at(0), ELSEWHERE):
        distance, angle = camera.wait_for_error(camera.show_until_found(place))
        assert distance < 0.01
        assert angle < 0.3


def test_ctrl_c_ends_with_status_zero(process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
