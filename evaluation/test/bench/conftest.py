"""A short recording of the small room."""

from pathlib import Path

import pytest
from evaluation_support.bags import copy_without_truth
from evaluation_support.sequences import recorded, room_sequence
from mesh_reloc_evaluation.recording_writer import write_recording
from support.small_room import CAMERA, SmallRoom

COUNT = 9


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of nine images with their true poses."""
    folder = tmp_path_factory.mktemp('recording') / 'bag'
    write_recording(folder, recorded(room_sequence(room, COUNT, step=0.3)), CAMERA)
    return folder


@pytest.fixture(scope='session')
def without_truth(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same bag without the true poses."""
    return copy_without_truth(recording, tmp_path_factory.mktemp('without_truth') / 'bag')
