"""Fixtures and environment of all tests, in test/ and evaluation/test/."""

import os
import tempfile
from pathlib import Path

import pytest
from support.small_room import SmallRoom, write_small_room

# A domain of this session's own, on this machine only: no other ROS nodes are seen, and none see
# these. Processes that tests start inherit it.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# Logs and saved poses do not go to the user's home.
_HOME = tempfile.TemporaryDirectory(prefix='ros_home_')
os.environ['ROS_HOME'] = _HOME.name


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder of real recordings beside the checkout; they are not part of the repository."""
    folder = Path(__file__).parent / '../shared/data'
    if not folder.is_dir():
        pytest.skip('no recordings at ../shared/data')
    return folder.resolve()


@pytest.fixture(scope='session')
def room(tmp_path_factory: pytest.TempPathFactory) -> SmallRoom:
    """Return a small textured room and what a camera sees of it."""
    return write_small_room(tmp_path_factory.mktemp('room'))
