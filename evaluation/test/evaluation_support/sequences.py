"""Sequences of tiny images that show their number, and of views of the small room."""

import numpy as np
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from support.small_room import CAMERA, SmallRoom, photographed, pose_at

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

PERIOD_NS = 80_000_000
BEGIN_NS = 5_000_000_000


def numbered_sequence(count: int, period_ns: int = PERIOD_NS) -> PosedSequence:
    """Return images [30, 40, 3] whose every value is their number; poses 1 cm apart along x."""
    camera = Camera(width=40, height=30, fx=40.0, fy=40.0, cx=19.5, cy=14.5)
    frames = [
        Frame(BEGIN_NS + k * period_ns, np.full((30, 40, 3), k, dtype=np.uint8), camera)
        for k in range(count)
    ]
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = 0.01 * np.arange(count)
    return PosedSequence(frames, poses)


def room_sequence(room: SmallRoom, count: int, step: float = 0.4) -> PosedSequence:
    """Return views of the small room from a camera in motion."""
    poses = np.array([pose_at(step * k) for k in range(count)])
    frames = [
        Frame(BEGIN_NS + k * PERIOD_NS, photographed(room.view(pose), k), CAMERA)
        for k, pose in enumerate(poses)
    ]
    return PosedSequence(frames, poses)
