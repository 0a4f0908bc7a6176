"""Hard shadows are found, and an image is aligned without them."""

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.stress import shadow_faults
from support.shadows import in_shadows
from support.small_room import CAMERA, SmallRoom, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align._shadows import find_shadows
from mesh_reloc_ros.align.alignment import Disturbance
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.disturbed import align_disturbed
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings

PATTERNS = [
    shadow_faults.blinds,
    shadow_faults.lattice,
    shadow_faults.leaves,
    shadow_faults.roof,
]
POSE = torch.from_numpy(pose_at(0))[None]


def found_in(room, image, pose=POSE):
    return find_shadows(room.scene, image_pyramid(image, CAMERA), pose)


@pytest.mark.parametrize('share', [0.5, 0.8])
@pytest.mark.parametrize('pattern', PATTERNS)
def test_a_shadow_is_found_and_removed(room: SmallRoom, pattern, share):
    image = in_shadows(room, 1, pattern, share).frames[0].image
    lit = photographed(room.view(pose_at(0)), 0, noise=2.0)
    dark = image.sum(-1) < (1 - share / 2) * lit.sum(-1)
    shadows = found_in(room, image)
    assert shadows is not None
    assert ((shadows.mask > 0) == dark).mean() > 0.96
    np.testing.assert_allclose(shadows.gains, 1 / (1 - share), rtol=0.1)
    rest = np.abs(shadows.removed(image).astype(float) - lit)
    assert np.median(rest) < 6


@pytest.mark.parametrize('pattern', PATTERNS)
def test_a_pose_is_exact_in_shadows(room: SmallRoom, pattern):
    truth = pose_at(0)
    pyramid = image_pyramid(in_shadows(room, 1, pattern, 0.75).frames[0].image, CAMERA)
    settings = AlignmentSettings()
    for seed in range(3):
        start = torch.from_numpy(perturbed(truth, seed, 0.03, 1.0))[None]
        found = align_disturbed(room.scene, pyramid, start, None, settings, Disturbance.SHADOWS)
        assert found is not None
        assert found.disturbance is Disturbance.SHADOWS
        metres, degrees = error(found.pose, truth)
        assert metres < 0.01
        assert degrees < 0.2
        plain = align_lm(room.scene, pyramid, start, None, settings)
        assert float(found.score[0]) > 0.8
        assert found.agreement > plain.agreement + 0.1


def without_shadow(room: SmallRoom) -> np.ndarray:
    return photographed(room.view(pose_at(0)), 0)


def blank(room: SmallRoom) -> np.ndarray:
    """The darkest parts of the mesh are no shadows of a bright wall, nor the other way round."""
    return np.full((240, 320, 3), 150, dtype=np.uint8)


def from_elsewhere(room: SmallRoom) -> np.ndarray:
    return photographed(room.view(pose_at(40)), 0)


@pytest.mark.parametrize('image', [without_shadow, blank])
def test_there_are_no_shadows(room: SmallRoom, image):
    assert found_in(room, image(room)) is None


def test_another_view_scores_low_in_shadows_too(room: SmallRoom):
    image = from_elsewhere(room)
    pyramid = image_pyramid(image, CAMERA)
    found = align_disturbed(
        room.scene, pyramid, POSE, None, AlignmentSettings(), Disturbance.SHADOWS
    )
    assert found is None or float(found.score[0]) < 0.6
