"""The error of intrinsics, from images with known truth."""

import dataclasses

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, photographed, pose_at

from mesh_reloc_ros.align.alignment import AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.intrinsics import SIZE, corrected, estimate_intrinsics, widely
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings

SETTINGS = AlignmentSettings(finest_level=1, levels=2)
NONE = np.zeros(SIZE)


def estimate(room: SmallRoom, image, camera, starts=(NONE,), steps=8):
    """Estimate the error of a camera whose image was taken at the first pose."""
    pyramid, truth = image_pyramid(image, camera), torch.from_numpy(pose_at(0))[None]
    alignment = align_lm(room.scene, pyramid, truth, None, SETTINGS, AlignMode.COARSE)
    return estimate_intrinsics(room.scene, pyramid, alignment, SETTINGS, starts, steps)


@pytest.fixture(scope='module')
def image(room: SmallRoom):
    return photographed(room.view(pose_at(0)), seed=3)


@pytest.mark.parametrize(
    'wrong',
    [(0.0, 0.0, 0.0), (0.08, 0.0, 0.0), (-0.1, 0.0, 0.0), (0.0, 0.06, -0.09), (0.05, -0.05, 0.05)],
)
def test_the_error_is_found(room, image, wrong):
    found = estimate(room, image, corrected(CAMERA, np.array(wrong)))
    np.testing.assert_allclose(found.error, -np.array(wrong), atol=4e-3)
    assert (found.gain > 0.2) is any(wrong)
    deviations = np.sqrt(np.diag(np.linalg.inv(found.information)))
    assert (deviations < 0.01).all()


def test_it_starts_from_what_is_known(room, image):
    wrong = np.array([0.1, 0.05, 0.0])
    camera = corrected(CAMERA, wrong)
    start = np.array([-0.08, -0.04, 0.0])
    np.testing.assert_array_equal(estimate(room, image, camera, [start], steps=0).error, start)
    nearer = estimate(room, image, camera, [start], steps=2).error
    np.testing.assert_allclose(nearer, -wrong, atol=6e-3)


@pytest.mark.parametrize('focal', [-0.45, -0.25, 0.25, 0.45])
def test_large_errors_are_found_from_several_starts(room, image, focal):
    camera = corrected(CAMERA, np.array([focal, 0.0, 0.0]))
    found = estimate(room, image, camera, widely(NONE))
    np.testing.assert_allclose(found.error, (-focal, 0.0, 0.0), atol=4e-3)


def test_an_image_that_shows_nothing_of_the_mesh_tells_nothing(room, image):
    black = np.zeros_like(image)
    assert estimate(room, black, CAMERA) is None


def test_corrected_cameras_are_scaled_and_shifted():
    camera = dataclasses.replace(CAMERA, fy=1.1 * CAMERA.fx)
    right = corrected(camera, np.array([np.log(1.2), 0.01, -0.02]))
    assert (right.fx, right.fy) == pytest.approx((1.2 * camera.fx, 1.2 * camera.fy))
    assert right.cx - camera.cx == pytest.approx(0.01 * camera.fx)
    assert right.cy - camera.cy == pytest.approx(-0.02 * camera.fy)
