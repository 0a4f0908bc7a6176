"""What the tests of the stress suite share."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation_support.sequences import BEGIN_NS, PERIOD_NS, numbered_footage, room_footage
from mesh_reloc_evaluation.painted_room.film import Shot
from mesh_reloc_evaluation.painted_room.recording import write_recording
from mesh_reloc_evaluation.stress.footage import Footage
from numpy.typing import NDArray
from support.small_room import CAMERA, SmallRoom, clouds

COUNT = 34


@pytest.fixture(scope='session')
def footage() -> Footage:
    return numbered_footage(60)


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of the small room with its true poses."""
    footage = room_footage(room, COUNT)
    folder = tmp_path_factory.mktemp('stress') / 'bag'
    shots = [
        Shot(frame.stamp_ns, jpeg(frame.image), pose, covered=0.0)
        for frame, pose in zip(footage.frames, footage.poses, strict=True)
    ]
    write_recording(folder, shots, CAMERA)
    return folder


@pytest.fixture(scope='session')
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of another place."""
    folder = tmp_path_factory.mktemp('elsewhere') / 'bag'
    shots = [
        Shot(BEGIN_NS + k * PERIOD_NS, jpeg(clouds(90 + k)[:240, :320]), np.eye(4), covered=0.0)
        for k in range(3)
    ]
    write_recording(folder, shots, CAMERA)
    return folder


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """Return an RGB image [H, W, 3] compressed."""
    return cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
