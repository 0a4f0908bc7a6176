"""A ROS node to send images with."""

from collections.abc import Iterator

import pytest
from station import Station


@pytest.fixture(scope='module')
def station() -> Iterator[Station]:
    station = Station()
    yield station
    station.close()
