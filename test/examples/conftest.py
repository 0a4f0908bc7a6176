"""A recording of the small room."""

from pathlib import Path

import numpy as np
import pytest
from mesh_reloc_evaluation.bag_writer import (
    CAMERA_INFO_TOPIC,
    IMAGE_TOPIC,
    camera_info,
    compressed,
    write_bag,
)
from support.small_room import CAMERA, SmallRoom, photographed, pose_at

IMAGES, PERIOD_NS = 6, 100_000_000
BLACK = 3
"""Number of the black image."""


@pytest.fixture(scope='session')
def images(room: SmallRoom) -> list[np.ndarray]:
    """Return RGB images [240, 320, 3] on a path through the room; one of them is black."""
    seen = [photographed(room.view(pose_at(index)), seed=index) for index in range(IMAGES)]
    seen[BLACK][:] = 0
    return seen


@pytest.fixture(scope='session')
def bag(images: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a rosbag2 recording of the images."""
    messages = []
    for index, image in enumerate(images):
        stamp_ns = (1 + index) * PERIOD_NS
        messages += [
            (CAMERA_INFO_TOPIC, stamp_ns, camera_info(CAMERA, stamp_ns)),
            (IMAGE_TOPIC, stamp_ns, compressed(image, stamp_ns)),
        ]
    return write_bag(tmp_path_factory.mktemp('recording') / 'bag', messages)
