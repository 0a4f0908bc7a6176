"""A camera on its way through the small room, and what it takes."""

import numpy as np

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.types.frame import Frame
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at

START_NS = 1_700_000_000_000_000_000
BLACK = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)
LOST_AFTER = Settings().tracking.lost_after


def stamp(ms: float) -> int:
    return START_NS + round(ms * 1e6)


def path(ms: float) -> np.ndarray:
    """Return the pose [4, 4] at a time: 30 cm and 5 degrees a second, and some shaking."""
    return pose_at(0.01 * ms)


def picture(room: SmallRoom, ms: float, gain: float = 1.0) -> Frame:
    image = photographed(room.view(path(ms)), round(ms), (gain,) * 3)
    return Frame(stamp(ms), image, CAMERA)


def assert_right(estimate, ms):
    metres, degrees = error(estimate.map_T_camera, path(ms))
    assert metres < 0.01
    assert degrees < 0.2
