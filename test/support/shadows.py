"""Images of the small room in the sun, with hard shadows on the mesh."""

import numpy as np
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.shadow_faults import Pattern, hard_shadow

from mesh_reloc_ros.types.frame import Frame
from support.small_room import CAMERA, SmallRoom, photographed, pose_at


def in_shadows(
    room: SmallRoom, count: int, pattern: Pattern, share: float, period: float = 0.2, seed: int = 1
) -> PosedSequence:
    """Return images from a camera in motion, with a shadow that takes a share of the light."""
    poses = np.array([pose_at(number) for number in range(count)])
    frames = [
        Frame(number * 33_000_000, photographed(room.view(pose), number, noise=2.0), CAMERA)
        for number, pose in enumerate(poses)
    ]
    sequence = PosedSequence(frames, poses)
    change = hard_shadow(room.scene, pattern, period, share)(np.random.default_rng(seed))
    shown = [change(sequence, number, 0.0).frame for number in range(count)]
    return PosedSequence(shown, poses)
