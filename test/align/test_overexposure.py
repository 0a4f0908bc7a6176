"""How an overexposed image is exposed is found, and it is aligned with what is left of it."""

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, clouds, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Disturbance
from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.disturbed import align_disturbed
from mesh_reloc_ros.align.overexposure import (
    clipped_colours,
    find_overexposure,
    is_mostly_clipped,
)
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings

POSE = torch.from_numpy(pose_at(0))[None]


def overexposed(room: SmallRoom, gain: float) -> np.ndarray:
    image = photographed(room.view(pose_at(0)), 0, noise=2.0)
    return (image * np.float32(gain)).clip(0, 255).astype(np.uint8)


def moved_back(metres: float) -> np.ndarray:
    """Return camera_T_camera [4, 4] of a camera farther back."""
    motion = np.eye(4)
    motion[2, 3] = -metres
    return motion


def exposure_of(image: np.ndarray, room: SmallRoom) -> np.ndarray:
    """Return gain and offset per channel [6] of an image that is not clipped."""
    alignment = align_lm(room.scene, image_pyramid(image, CAMERA), POSE, None, AlignmentSettings())
    return alignment.exposure[0].numpy()


@pytest.mark.parametrize('gain', [2.5, 4.0])
def test_the_exposure_is_found_though_most_colours_are_clipped(room: SmallRoom, gain):
    image, expected = overexposed(room, gain), gain * exposure_of(overexposed(room, 1.0), room)
    assert (image == 255).mean() > 0.3
    for seed in range(3):
        start = torch.from_numpy(perturbed(pose_at(0), seed, 0.03, 1.0))[None]
        found = find_overexposure(room.scene, image_pyramid(image, CAMERA), start)
        assert found is not None
        ceiling = (1 - expected[3:]) / expected[:3]
        np.testing.assert_allclose(found.ceiling.numpy(), ceiling, rtol=0.12)


def test_a_usual_image_is_not_overexposed(room: SmallRoom):
    for gain in (0.5, 1.0):
        pyramid = image_pyramid(overexposed(room, gain), CAMERA)
        assert find_overexposure(room.scene, pyramid, POSE) is None


def test_an_image_with_a_bright_background_is_not_overexposed(room: SmallRoom):
    pose = torch.from_numpy(pose_at(0) @ moved_back(7.0))[None]
    image = photographed(room.view(pose[0].numpy()), 0, noise=2.0)
    image[~room.scene.render(pose, CAMERA).mask[0].numpy()] = 255
    assert is_mostly_clipped(image)
    assert find_overexposure(room.scene, image_pyramid(image, CAMERA), pose) is None


def test_a_channel_that_is_clipped_everywhere_is_white(room: SmallRoom):
    image = overexposed(room, 3.0)
    image[..., 0] = 255
    found = find_overexposure(room.scene, image_pyramid(image, CAMERA), POSE)
    assert found is not None
    assert float(found.ceiling[0]) == 0
    assert (found.ceiling[1:] > 0.1).all()


def test_renders_are_clipped_before_pixels_are_averaged(room: SmallRoom):
    ceiling = torch.tensor([0.2, 0.3, 0.4])
    colours = clipped_colours(room.scene, POSE, CAMERA, 2, ceiling)[0].numpy()
    fine = np.minimum(room.scene.render(POSE, CAMERA).colour[0].numpy(), ceiling.numpy())
    expected = fine.reshape(60, 4, 80, 4, 3).mean((1, 3))
    np.testing.assert_allclose(colours, expected, atol=1e-5)
    keyframe = tracking_keyframe(room.scene, POSE, CAMERA, AlignmentSettings(), ceiling=ceiling)
    assert keyframe.is_clipped
    for level in (*keyframe.levels, keyframe.score_level):
        shown = level.surface.colours[level.surface.weights > 0]
        assert (shown <= ceiling.numpy() + 1e-5).all()


@pytest.mark.parametrize('gain', [2.5, 4.0])
def test_the_pose_is_that_of_what_is_not_clipped(room: SmallRoom, gain):
    truth, settings = pose_at(0), AlignmentSettings()
    pyramid = image_pyramid(overexposed(room, gain), CAMERA)
    for seed in range(3):
        start = torch.from_numpy(perturbed(truth, seed, 0.03, 1.0))[None]
        found = align_disturbed(
            room.scene, pyramid, start, None, settings, Disturbance.OVEREXPOSURE
        )
        assert found is not None
        assert found.disturbance is Disturbance.OVEREXPOSURE
        metres, degrees = error(found.pose, truth)
        assert metres < 0.01
        assert degrees < 0.3
        assert float(found.score[0]) > 0.8
        assert float(found.inlier_ratio[0]) > 0.5


@pytest.mark.parametrize('seed', range(4))
def test_an_overexposed_image_of_something_else_scores_low(room: SmallRoom, seed):
    image = (clouds(90 + seed)[:240, :320] * 3.0).clip(0, 255).astype(np.uint8)
    found = align_disturbed(
        room.scene,
        image_pyramid(image, CAMERA),
        POSE,
        None,
        AlignmentSettings(),
        Disturbance.OVEREXPOSURE,
    )
    assert found is None or float(found.score[0]) < 0.6


def test_most_colours_of_an_image_may_be_clipped(room: SmallRoom):
    image = np.zeros((240, 320, 3), dtype=np.uint8)
    for share, expected in ((0.5, False), (0.7, True)):
        image[: round(240 * share)] = 255
        assert is_mostly_clipped(image) is expected
    assert not is_mostly_clipped(overexposed(room, 1.0))
