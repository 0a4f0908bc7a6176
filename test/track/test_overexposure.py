"""A camera is tracked while its images are overexposed; nothing else is published for them."""

import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, clouds, error, photographed, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame

BEGIN, END, IMAGES = 4, 10, 14


def picture(room: SmallRoom, number: int, gain: float) -> Frame:
    image = photographed(room.view(pose_at(number)), number, noise=2.0)
    image = (image * np.float32(gain)).clip(0, 255).astype(np.uint8)
    return Frame(number * 33_000_000, image, CAMERA)


@pytest.fixture
def tracker(room: SmallRoom) -> Tracker:
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(pose_at(0))
    return tracker


@pytest.mark.parametrize('gain', [2.0, 3.0, 4.0])
def test_overexposed_images_have_poses_and_so_have_those_after(room, tracker, gain):
    for number in range(IMAGES):
        estimate = tracker.track(picture(room, number, gain if BEGIN <= number < END else 1.0))
        assert estimate.trusted, (number, estimate.reason)
        metres, degrees = error(estimate.map_T_camera, pose_at(number))
        assert metres < 0.03
        assert degrees < 0.7
        tracker.look_ahead()


def test_a_camera_may_start_overexposed(room: SmallRoom, tracker: Tracker):
    for number in range(END):
        estimate = tracker.track(picture(room, number, 4.0))
        assert estimate.trusted, (number, estimate.reason)
        metres, degrees = error(estimate.map_T_camera, pose_at(number))
        assert metres < 0.03
        assert degrees < 0.7


def test_white_images_have_none(room: SmallRoom, tracker: Tracker):
    for number in range(BEGIN):
        assert tracker.track(picture(room, number, 1.0)).trusted
    for number in range(BEGIN, END):
        assert not tracker.track(picture(room, number, 200.0)).trusted


@pytest.mark.parametrize('seed', range(4))
def test_an_overexposed_image_of_something_else_has_none(room, tracker, seed):
    for number in range(BEGIN):
        assert tracker.track(picture(room, number, 1.0)).trusted
    for number in range(BEGIN, BEGIN + 3):
        image = (clouds(90 + seed)[:240, :320] * np.float32(3)).clip(0, 255).astype(np.uint8)
        image = np.ascontiguousarray(np.roll(image, 3 * number, axis=1))
        assert not tracker.track(Frame(number * 33_000_000, image, CAMERA)).trusted
