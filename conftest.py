"""Fixtures, environment and the marker `dds` for all tests, of the product and beside it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.shared_folder import shared_folder

# What takes seconds to import is imported where tests run: pytest-xdist has one more process.
if TYPE_CHECKING:
    from support.small_room import SmallRoom

# Each test process, also each worker of pytest-xdist, has its own ROS domain on this machine only:
# it neither sees other ROS nodes nor is seen by them. Processes that tests start inherit it.
_DOMAIN = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# Logs and saved poses do not go to the user's home.
_HOME = tempfile.TemporaryDirectory(prefix='ros_home_')
os.environ['ROS_HOME'] = _HOME.name
os.environ['OMP_NUM_THREADS'] = '1'
# Kernels of Triton run on the CPU, in its interpreter.
os.environ['TRITON_INTERPRET'] = '1'

_DDS_FIXTURES = {'make_node', 'process', 'processes', 'station'}
"""Fixtures that start a ROS node: every test that uses one is marked `dds`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use DDS by their fixtures; others carry the marker themselves."""
    for item in items:
        if _DDS_FIXTURES.intersection(getattr(item, 'fixturenames', ())):
            item.add_marker('dds')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Give only tests marked `dds` a valid domain: without one, no ROS node starts."""
    is_marked = item.get_closest_marker('dds') is not None
    os.environ['ROS_DOMAIN_ID'] = _DOMAIN if is_marked else 'the test lacks the marker dds'
    return (yield)


@pytest.fixture(scope='session', autouse=True)
def one_core_per_operation() -> None:
    """As in the product: small operations that are spread over cores take several times as long.

    For this process; by `OMP_NUM_THREADS` for the programs that tests start.
    """
    from mesh_reloc_ros.process import use_one_core_per_operation

    use_one_core_per_operation()


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder of real recordings beside the checkout; they are not part of the repository."""
    folder = Path(__file__).parent / '../shared/data'
    if not folder.is_dir():
        pytest.skip('no recordings at ../shared/data')
    return folder.resolve()


@pytest.fixture(scope='session')
def room(tmp_path_factory: pytest.TempPathFactory) -> 'SmallRoom':
    """Return a small textured room and what a camera sees of it.

    The processes of a test run share the file, and the views that are kept beside it.
    """
    from support.small_room import SmallRoom, write_small_room

    with shared_folder(tmp_path_factory, 'room') as folder:
        if folder.exists():
            return SmallRoom(folder / 'room.obj')
        folder.mkdir()
        return write_small_room(folder)
