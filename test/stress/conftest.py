"""What the tests of the stress suite share."""

from pathlib import Path

import cv2
import pytest
from small_room import CAMERA, SmallRoom
from stress_footage import numbered_footage, room_footage

from mesh_reloc_ros.demo.sample.film import Shot
from mesh_reloc_ros.demo.sample.recording import write_recording
from mesh_reloc_ros.stress.footage import Footage

COUNT = 34


@pytest.fixture(scope='session')
def footage() -> Footage:
    return numbered_footage(60)


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of the small room with its true poses."""
    shots = []
    footage = room_footage(room, COUNT)
    for frame, pose in zip(footage.frames, footage.poses, strict=True):
        jpeg = cv2.imencode('.jpg', frame.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        shots.append(Shot(frame.stamp_ns, jpeg.tobytes(), pose, covered=0.0))
    folder = tmp_path_factory.mktemp('stress') / 'bag'
    write_recording(folder, shots, CAMERA)
    return folder
