"""A short recording of the small room."""

from pathlib import Path

import cv2
import pytest
from mesh_reloc_evaluation.painted_room.film import Shot
from mesh_reloc_evaluation.painted_room.recording import TRUTH_TOPIC, write_recording
from rosbags.rosbag2 import Reader, Writer
from rosbags.typesys import Stores, get_typestore
from support.small_room import CAMERA, SmallRoom, photographed, pose_at

COUNT, STEP_NS = 9, 40_000_000


@pytest.fixture(scope='session')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bag of nine images with their true poses."""
    folder = tmp_path_factory.mktemp('recording') / 'bag'
    write_recording(folder, shots(room), CAMERA)
    return folder


@pytest.fixture(scope='session')
def without_truth(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same bag without the poses."""
    folder = tmp_path_factory.mktemp('untrue') / 'bag'
    with Reader(recording) as reader, Writer(folder, version=9) as writer:
        kept = [c for c in reader.connections if c.topic != TRUTH_TOPIC]
        copies = {
            c.id: writer.add_connection(c.topic, c.msgtype, typestore=get_typestore(Stores.LATEST))
            for c in kept
        }
        for connection, stamp_ns, data in reader.messages(kept):
            writer.write(copies[connection.id], stamp_ns, data)
    return folder


def shots(room: SmallRoom) -> list[Shot]:
    shots = []
    for index in range(COUNT):
        pose = pose_at(0.3 * index)
        image = photographed(room.view(pose), index)
        jpeg = cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        shots.append(Shot((1 + index) * STEP_NS, jpeg.tobytes(), pose, covered=0.0))
    return shots
