"""Features and PnP on rendered keyframes."""

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.bench.features import FeatureLocalizer, opencv_on_all_cores
from support.small_room import CAMERA, error, photographed, pose_at


@pytest.mark.parametrize('kind', ['sift', 'orb'])
def test_an_image_between_keyframes_is_located(room, kind):
    keyframes = [pose_at(step) for step in (0.0, 2.0, 4.0)]
    localizer = FeatureLocalizer(kind, room.scene, CAMERA, keyframes)
    image = photographed(room.view(pose_at(1.3)), seed=3, gain=(0.8, 0.9, 0.8))
    pose = localizer.localize(image, pose_at(1.0))
    metres, degrees = error(pose, pose_at(1.3))
    assert metres < 0.008
    assert degrees < 0.15


@pytest.mark.parametrize('kind', ['sift', 'orb'])
def test_an_image_of_something_else_is_not_answered(room, kind):
    localizer = FeatureLocalizer(kind, room.scene, CAMERA, [pose_at(0)])
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert localizer.localize(noise, pose_at(0)) is None
    assert localizer.localize(np.zeros_like(noise), pose_at(0)) is None


def test_opencv_gets_its_threads_back():
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with opencv_on_all_cores():
        pass
    assert cv2.getNumThreads() == 1
    cv2.setNumThreads(before)
