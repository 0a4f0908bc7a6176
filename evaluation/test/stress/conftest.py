"""Recordings for the tests of the stress test."""

from pathlib import Path

import numpy as np
import pytest
from evaluation_support.bags import record
from evaluation_support.sequences import (
    BEGIN_NS,
    PERIOD_NS,
    numbered_sequence,
    room_sequence,
)
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from support.small_room import CAMERA, SmallRoom, clouds

from mesh_reloc_ros.types.frame import Frame

COUNT = 34


@pytest.fixture(scope='session')
def sequence() -> PosedSequence:
    return numbered_sequence(60)


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of the small room with its true poses."""
    folder = tmp_path_factory.mktemp('stress') / 'bag'
    return record(room_sequence(room, COUNT), folder)


@pytest.fixture(scope='session')
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of another place."""
    folder = tmp_path_factory.mktemp('elsewhere') / 'bag'
    frames = [Frame(BEGIN_NS + k * PERIOD_NS, clouds(90 + k)[:240, :320], CAMERA) for k in range(3)]
    return record(PosedSequence(frames, np.tile(np.eye(4), (3, 1, 1))), folder)
