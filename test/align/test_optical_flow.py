"""The error of poses by optical flow, in images of the small room that are read row by row."""

import numpy as np
import pytest
import torch
from support.rolling_shutter import read_row_by_row
from support.small_room import CAMERA, SmallRoom, clouds, error, photographed, pose_at

from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.optical_flow import error_by_flow
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.types import Array

TRUTH = pose_at(0)
MOTIONS = {
    'to the right': (0.15, 0.0, 0.0, 0.0, 0.0, 0.0),
    'down': (0.0, 0.15, 0.0, 0.0, 0.0, 0.0),
    'ahead': (0.0, 0.0, 0.2, 0.0, 0.0, 0.0),
    'turning': (0.0, 0.0, 0.0, 0.01, 0.07, 0.02),
    'all at once': (0.08, -0.04, 0.05, 0.02, 0.04, -0.02),
}


def aligned(room: SmallRoom, motion: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Return the aligned pose [4, 4], the error that is found [6] and its covariance [6, 6]."""
    image = photographed(read_row_by_row(room, TRUTH, np.array(motion)), 1)
    pyramid = image_pyramid(image, CAMERA)
    start = torch.from_numpy(TRUTH)[None]
    alignment = align_lm(room.scene, pyramid, start, None, AlignmentSettings())
    found = error_by_flow(room.scene, pyramid, alignment.map_T_camera)
    assert found is not None
    return alignment.pose, *found


def test_a_camera_at_rest_has_no_error(room: SmallRoom):
    pose, twist, covariance = aligned(room, (0.0,) * 6)
    assert error(pose, TRUTH)[0] < 0.003
    assert np.linalg.norm(twist[:3]) < 0.01
    assert np.linalg.eigvalsh(covariance[:3, :3])[-1] < 0.01**2


@pytest.mark.parametrize('motion', MOTIONS.values(), ids=MOTIONS)
def test_the_error_leads_to_where_the_middle_row_was_read(room: SmallRoom, motion):
    pose, twist, _ = aligned(room, motion)
    before, after = error(pose, TRUTH), error(pose @ exp(twist), TRUTH)
    assert after[0] < max(0.2 * before[0], 0.005)
    assert after[1] < max(0.2 * before[1], 0.1)


@pytest.mark.parametrize('seed', range(3))
def test_something_in_the_way_is_no_error(room: SmallRoom, seed: int):
    image = photographed(room.view(TRUTH), seed)
    image[:, :150] = clouds(70 + seed)[:240, :150]
    found = error_by_flow(room.scene, image_pyramid(image, CAMERA), torch.from_numpy(TRUTH)[None])
    assert found is not None
    assert np.linalg.norm(found[0][:3]) < 0.01


def test_an_image_that_shows_nothing_tells_nothing(room: SmallRoom):
    black = image_pyramid(np.zeros((240, 320, 3), np.uint8), CAMERA)
    assert error_by_flow(room.scene, black, torch.from_numpy(TRUTH)[None]) is None
