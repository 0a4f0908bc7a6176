"""Faults of the camera, and which pose is then right."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluation_support.sequences import BEGIN_NS, PERIOD_NS, numbered_sequence
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress import camera_faults
from mesh_reloc_evaluation.stress.stress_image import Phase
from support.small_room import CAMERA, clouds, pose_at

from mesh_reloc_ros.types.frame import Frame

RNG = np.random.default_rng(0)


@pytest.fixture(scope='module')
def view(room) -> PosedSequence:
    """Return a single view of the small room."""
    pose = pose_at(2.0)
    return PosedSequence([Frame(BEGIN_NS, room.view(pose), CAMERA)], pose[None])


@pytest.mark.parametrize('quarters', [1, 2, 3])
def test_the_pose_and_camera_of_a_rolled_image_render_it(room, view, quarters):
    shown = camera_faults.rolled(quarters)(RNG)(view, 0, 0.5)
    camera = shown.frame.camera
    assert (camera.width, camera.height) == (CAMERA.width, CAMERA.height)
    colour = room.scene.render(torch.from_numpy(shown.map_T_camera), camera).colour[0].numpy()
    difference = np.abs(255 * colour - shown.frame.image)
    assert np.median(difference) < 2
    assert np.percentile(difference, 95) < 12
    assert shown.phase is Phase.FAULT
    # A turn about the optical axis, by as much, with the image's points counterclockwise.
    turn = view.poses[0, :3, :3].T @ shown.map_T_camera[:3, :3]
    np.testing.assert_allclose(turn[2], [0, 0, 1], atol=1e-12)
    angle = np.degrees(np.arctan2(turn[1, 0], turn[0, 0])) % 360
    assert angle == pytest.approx(90 * quarters)


@pytest.mark.parametrize('axis', [0, 1])
def test_no_pose_of_a_mirrored_image_is_right(view, axis):
    shown = camera_faults.mirrored(axis)(RNG)(view, 0, 0.5)
    assert shown.map_T_camera is None
    np.testing.assert_array_equal(np.flip(shown.frame.image, axis), view.frames[0].image)


def test_wrong_intrinsics_leave_image_and_truth(view):
    change = camera_faults.wrong_intrinsics(focal=1.05, x=0.05, y=-0.1)(RNG)
    shown = change(view, 0, 0.5)
    np.testing.assert_array_equal(shown.frame.image, view.frames[0].image)
    np.testing.assert_array_equal(shown.map_T_camera, view.poses[0])
    expected = replace(
        CAMERA, fx=1.05 * 260, fy=1.05 * 260, cx=161.5 + 0.05 * 320, cy=117.0 - 0.1 * 240
    )
    assert shown.frame.camera == expected


def test_a_rolling_shutter_moves_later_rows_on():
    """The scene moves to the right by 8 pixels from image to image."""
    picture = clouds(seed=3)
    frames = [
        Frame(BEGIN_NS + k * PERIOD_NS, picture[100:340, 180 - 8 * k : 500 - 8 * k], CAMERA)
        for k in range(3)
    ]
    sequence = PosedSequence(frames, np.tile(np.eye(4), (3, 1, 1)))
    change = camera_faults.rolling_shutter(1.0)(RNG)
    for index in range(3):
        skewed = change(sequence, index, 0.5).frame.image.astype(float)
        for row, moved in ((2, -4), (120, 0), (237, 4)):
            left = 180 - 8 * index
            truth = picture[100 + row, left + 40 - moved : left + 280 - moved]
            assert np.abs(skewed[row, 40:280] - truth).mean() < 4


def test_elsewhere_is_one_image_or_many():
    sequence = numbered_sequence(9)
    images = [np.full((30, 40, 3), value, dtype=np.uint8) for value in (201, 202, 203)]
    for changing, kinds in ((False, 1), (True, 3)):
        change = camera_faults.elsewhere(images, changing=changing)(np.random.default_rng(4))
        shown = [change(sequence, index, 0.5) for index in range(9)]
        assert len({int(item.frame.image[0, 0, 0]) for item in shown}) == kinds
        assert all(item.map_T_camera is None for item in shown)
        assert [s.frame.stamp_ns for s in shown] == [f.stamp_ns for f in sequence.frames]
