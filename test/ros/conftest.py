"""A ROS node to send images with, and a camera before the node under test."""

from collections.abc import Iterator

import pytest
from support.live_camera import LiveCamera
from support.small_room import SmallRoom
from support.station import NodeProcess, Station

from mesh_reloc_ros.messages.frames import MessageReader
from mesh_reloc_ros.ros._frames import frame_reader


@pytest.fixture(scope='module')
def station() -> Iterator[Station]:
    station = Station()
    yield station
    station.close()


@pytest.fixture(scope='module')
def camera(process: NodeProcess, station: Station, room: SmallRoom) -> Iterator[LiveCamera]:
    """Return a camera that the module's `process` listens to."""
    camera = LiveCamera(station, room)
    camera.connect(process)
    yield camera
    camera.close()


@pytest.fixture(params=[frame_reader, MessageReader], ids=['node', 'bag'])
def reader(request):
    return request.param(rectify=False)
