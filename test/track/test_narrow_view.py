"""Strips of an image, of which a pose far off may explain nearly all."""

import dataclasses

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, error, perturbed, pose_at

from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame

IMAGES = 6
TRUE = pose_at(0.5)


def strip(room: SmallRoom, pose: np.ndarray, number: int, top: int, height: int) -> Frame:
    whole = Frame(number * 100_000_000, room.view(pose), CAMERA)
    return whole.cropped(0, top, CAMERA.width, height)


@pytest.mark.parametrize(
    ('height', 'degrees', 'seed'), [(32, 3.0, 0), (40, 3.0, 0), (40, 5.0, 1), (48, 3.0, 1)]
)
def test_no_wrong_pose_of_a_strip_is_trusted(room: SmallRoom, height, degrees, seed):
    """Each image is turned by some degrees: without care, three of four tracks are led astray."""
    tracker, trusted = Tracker(room.scene, Settings()), 0
    tracker.start_at(pose_at(0.0))
    for number in range(IMAGES):
        path = pose_at(0.4 * number)
        pose = perturbed(path, 100 * seed + number, 0.02, degrees) if number else path
        estimate = tracker.track(strip(room, pose, number, top=100, height=height))
        tracker.look_ahead()
        if estimate.trusted:
            trusted += 1
            off_m, off_deg = error(estimate.map_T_camera, pose)
            assert off_m < 0.1
            assert off_deg < 5.0
    assert trusted


def test_a_keyframe_serves_less_far_for_a_strip(room: SmallRoom):
    pose, turned = torch.from_numpy(TRUE)[None], perturbed(TRUE, 3, 0.0, 2.0)
    motions = [
        tracking_keyframe(room.scene, pose, camera, AlignmentSettings()).motion_since(
            torch.from_numpy(turned)[None]
        )
        for camera in (CAMERA, CAMERA.cropped(0, 100, 320, 45))
    ]
    assert motions[1] / motions[0] == pytest.approx(320 / 80)


def test_map_errors_count_more_in_a_narrow_view(room: SmallRoom, monkeypatch):
    """As if the surfaces were out of place by twice as much."""
    frame = strip(room, TRUE, 0, top=100, height=48)
    pyramid, start = image_pyramid(frame.image, frame.camera), torch.from_numpy(TRUE)[None]

    def covariance(map_error_scale: float) -> np.ndarray:
        settings = dataclasses.replace(AlignmentSettings(), map_error_scale=map_error_scale)
        return align_lm(room.scene, pyramid, start, None, settings).pose_covariance

    narrow = covariance(1.0)
    monkeypatch.setattr('mesh_reloc_ros.types.camera._NARROW', 0.0)
    np.testing.assert_allclose(narrow, covariance(4.0), rtol=1e-6, atol=1e-15)
    assert np.trace(narrow) > 1.5 * np.trace(covariance(1.0))
