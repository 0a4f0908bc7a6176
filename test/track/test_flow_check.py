"""Poses that the optical flow contradicts are rejected: the camera moves while it is read."""

import numpy as np
import pytest
import torch
from support.rolling_shutter import read_row_by_row
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.track._flow_check import FlowCheck
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

TRUTH, LIMIT = pose_at(0), 0.05
SIDEWAYS = np.array([1.0, 0.0, 0.0, 0.0, 0.3, 0.0])


def shown(room: SmallRoom, metres: float, stamp_ns: int = 0) -> tuple[Frame, Alignment]:
    """Return an image during which the camera moved by so much, aligned."""
    image = photographed(read_row_by_row(room, TRUTH, metres * SIDEWAYS), 1)
    start, pyramid = torch.from_numpy(TRUTH)[None], image_pyramid(image, CAMERA)
    alignment = align_lm(room.scene, pyramid, start, None, AlignmentSettings())
    return Frame(stamp_ns, image, CAMERA), alignment


@pytest.mark.parametrize('metres', [0.0, 0.02])
def test_a_slow_camera_is_trusted(room: SmallRoom, metres: float):
    assert FlowCheck(room.scene).check(*shown(room, metres), LIMIT) is None


@pytest.mark.parametrize('metres', [-0.12, 0.12, 0.2])
def test_a_fast_camera_is_not(room: SmallRoom, metres: float):
    frame, alignment = shown(room, metres)
    assert error(alignment.pose, TRUTH)[0] > LIMIT
    rejected = FlowCheck(room.scene).check(frame, alignment, LIMIT)
    assert rejected is not None
    assert rejected.rejection is Rejection.DISPLACED
    assert 'rolling shutter' in rejected.reason
    assert '\n' not in rejected.reason


def test_it_looks_now_and_then_and_at_every_image_while_the_camera_is_fast(room: SmallRoom):
    check = FlowCheck(room.scene)
    assert check.is_due(0)
    check.check(*shown(room, 0.0), LIMIT)
    assert not check.is_due(33_000_000)
    assert check.is_due(500_000_000)
    check.check(*shown(room, 0.2, 500_000_000), LIMIT)
    check.check(*shown(room, 0.0, 533_000_000), LIMIT)
    assert check.is_due(566_000_000)
    check.check(*shown(room, 0.0, 980_000_000), LIMIT)
    assert not check.is_due(1_020_000_000)
    # A recording starts again.
    assert check.is_due(0)
