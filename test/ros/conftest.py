"""A small textured mesh, what a camera sees of it, and a ROS node to send that with."""

from collections.abc import Iterator

import pytest
from small_room import SmallRoom, write_small_room
from station import Station


@pytest.fixture(scope='session')
def room(tmp_path_factory: pytest.TempPathFactory) -> SmallRoom:
    return write_small_room(tmp_path_factory.mktemp('room'))


@pytest.fixture(scope='module')
def station() -> Iterator[Station]:
    station = Station()
    yield station
    station.close()
