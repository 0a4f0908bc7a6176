"""Consistent to a hundredth of a pixel: nothing but the pose itself explains a noise-free image."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.small_room import SmallRoom, error, perturbed, pose_at

from mesh_reloc_ros.align.alignment import AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=640, height=480, fx=520.0, fy=520.0, cx=323.5, cy=234.5)
TRUE = pose_at(0.5)
STARTS = 6
MAX_DEG, MAX_SHARE_OF_DEPTH = 0.005, 1e-4


def image_of(room: SmallRoom, samples: int) -> NDArray[np.uint8]:
    """Return the image at the true pose, each pixel the average of `samples` squared samples."""
    camera = CAMERA.resized(samples * CAMERA.width, samples * CAMERA.height)
    colour = room.scene.render(torch.from_numpy(TRUE), camera).colour[0].numpy()
    averaged = colour.reshape(CAMERA.height, samples, CAMERA.width, samples, 3).mean((1, 3))
    return (255 * averaged).round().astype(np.uint8)


@pytest.mark.parametrize(
    ('metres', 'degrees', 'mode'),
    [
        (0.003, 0.05, AlignMode.TRACK),
        (0.05, 1.0, AlignMode.TRACK),
        (0.05, 1.0, AlignMode.COARSE),
        (0.15, 5.0, AlignMode.COARSE),
    ],
    ids=['next to it', 'tracking', 'coarse, near', 'coarse, far'],
)
@pytest.mark.parametrize('samples', [1, 2], ids=['plain', 'averaged'])
def test_a_noise_free_image_is_aligned_exactly(room, samples, metres, degrees, mode):
    pyramid = image_pyramid(image_of(room, samples), CAMERA)
    depth = room.scene.render(torch.from_numpy(TRUE), CAMERA).depth
    limit = MAX_SHARE_OF_DEPTH * float(depth[depth > 0].median())
    for seed in range(STARTS):
        start = torch.from_numpy(perturbed(TRUE, seed, metres, degrees))[None]
        alignment = align_lm(room.scene, pyramid, start, None, AlignmentSettings(), mode)
        off_metres, off_degrees = error(alignment.pose, TRUE)
        assert off_metres < limit, seed
        assert off_degrees < MAX_DEG, seed
