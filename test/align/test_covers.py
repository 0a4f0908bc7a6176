"""Where something covers the mesh is found, and left out."""

import itertools

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, clouds, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align._covers import without_covers
from mesh_reloc_ros.align.alignment import Disturbance
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.disturbed import align_disturbed
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings

POSE = torch.from_numpy(pose_at(0))[None]


def covered(room: SmallRoom, share: float) -> np.ndarray:
    image = photographed(room.view(pose_at(0)), 0)
    image[:, : round(share * 320)] = clouds(77)[:240, : round(share * 320)]
    return image


@pytest.mark.parametrize('share', [0.3, 0.6, 0.8])
def test_what_covers_the_mesh_is_left_out_on_all_levels(room: SmallRoom, share):
    found = without_covers(room.scene, image_pyramid(covered(room, share), CAMERA), POSE)
    assert found is not None
    levels, visible = found
    assert visible == pytest.approx(1 - share, abs=0.1)
    begin = round(share * 320)
    assert (levels[0].usable[:, : begin - 24] > 0).mean() < 0.1
    assert (levels[0].usable[:, begin + 24 :] > 0).mean() > 0.85
    for finer, coarser in itertools.pairwise(levels[:4]):
        height, width = coarser.usable.shape
        four = finer.usable[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        np.testing.assert_array_equal(coarser.usable > 0, (four > 0).all((1, 3)))


def test_nothing_is_left_out_where_all_is_seen_or_nothing(room: SmallRoom):
    for image in (covered(room, 0.0), clouds(78)[:240, :320]):
        assert without_covers(room.scene, image_pyramid(image, CAMERA), POSE) is None


def test_the_pose_is_that_of_the_part_that_is_seen(room: SmallRoom):
    truth, settings = pose_at(0), AlignmentSettings()
    pyramid = image_pyramid(covered(room, 0.65), CAMERA)
    for seed in range(3):
        start = torch.from_numpy(perturbed(truth, seed, 0.02, 0.7))[None]
        found = align_disturbed(room.scene, pyramid, start, None, settings, Disturbance.COVER)
        assert found is not None
        assert found.visible == pytest.approx(0.35, abs=0.1)
        metres, degrees = error(found.pose, truth)
        assert metres < 0.01
        assert degrees < 0.3
        assert float(found.inlier_ratio[0]) > 0.8
        plain = align_lm(room.scene, pyramid, start, None, settings)
        assert float(plain.inlier_ratio[0]) < 0.6
