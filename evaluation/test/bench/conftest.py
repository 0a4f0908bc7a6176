"""A short recording of the small room."""

from pathlib import Path

import pytest
from evaluation_support.bags import copy_without_truth, record
from evaluation_support.sequences import room_sequence
from support.small_room import SmallRoom

COUNT = 9


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of nine images with their true poses."""
    folder = tmp_path_factory.mktemp('recording') / 'bag'
    return record(room_sequence(room, COUNT, step=0.3), folder)


@pytest.fixture(scope='session')
def without_truth(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same bag without the true poses."""
    return copy_without_truth(recording, tmp_path_factory.mktemp('without_truth') / 'bag')
