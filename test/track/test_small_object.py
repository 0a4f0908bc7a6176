"""A mesh that covers little of the image is tracked, before a background with texture."""

import numpy as np
import pytest
import torch
from support.small_room import SmallRoom, clouds, error, looking, perturbed

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

CAMERA = Camera(640, 480, 520.0, 520.0, 319.5, 239.5)
IMAGES = 15
# The mesh is exact. With the errors of a reconstructed one, the position is too uncertain.
SETTINGS = Settings(alignment=AlignmentSettings(map_error_scale=0.0))


def pose_of(number: int) -> np.ndarray:
    """Return where a camera is that passes the room, 18 m away."""
    position = (-9.7 + 0.05 * number, -16.0, 3.6)
    return looking(position, heading_deg=57.0 + 0.2 * number, down_deg=5.0)


def image_of(room: SmallRoom, number: int) -> tuple[np.ndarray, float]:
    """Return an image [480, 640, 3], and which share of it the mesh covers."""
    view = room.scene.render(torch.from_numpy(pose_of(number)), CAMERA)
    mask = view.mask[0].numpy()
    seen = (255 * view.colour[0]).round().to(torch.uint8).numpy()
    behind = np.roll(np.tile(clouds(seed=60), (1, 2, 1)), -3 * number, axis=1)[:480, :640]
    noise = np.random.default_rng(number).normal(scale=4, size=seen.shape)
    image = np.where(mask[..., None], seen, behind) + noise
    return image.round().clip(0, 255).astype(np.uint8), float(mask.mean())


@pytest.mark.parametrize('seed', range(2))
def test_it_is_tracked_from_a_rough_start(room: SmallRoom, seed: int):
    tracker = Tracker(room.scene, SETTINGS)
    tracker.start_at(perturbed(pose_of(0), seed, metres=0.3, degrees=0.7))
    for number in range(IMAGES):
        image, share = image_of(room, number)
        assert 0.02 < share < 0.07
        estimate = tracker.track(Frame(number * 33_000_000, image, CAMERA))
        assert estimate.trusted, estimate.reason
        metres, degrees = error(estimate.map_T_camera, pose_of(number))
        # Of 18 m.
        assert metres < 0.18
        assert degrees < 0.3
        tracker.look_ahead()
