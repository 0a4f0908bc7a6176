"""A camera is tracked while something covers most of its view; nothing else is published for it."""

import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, clouds, error, photographed, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

IMAGES, BEGIN = 14, 4


def picture(room: SmallRoom, number: int, share: float) -> Frame:
    """Return an image of which something with a texture covers a share."""
    image = photographed(room.view(pose_at(number)), number)
    height, width = (round(share**0.5 * side) for side in image.shape[:2])
    left = round((320 - width) * number / IMAGES)
    image[:height, left : left + width] = clouds(77)[:height, :width]
    return Frame(number * 33_000_000, image, CAMERA)


@pytest.fixture
def tracker(room: SmallRoom) -> Tracker:
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(pose_at(0))
    return tracker


@pytest.mark.parametrize('begin', [0, BEGIN])
@pytest.mark.parametrize('share', [0.45, 0.65])
def test_what_is_seen_of_the_mesh_is_enough(room: SmallRoom, tracker: Tracker, share, begin):
    for number in range(IMAGES):
        estimate = tracker.track(picture(room, number, share if number >= begin else 0.0))
        assert estimate.trusted, (number, estimate.reason)
        metres, degrees = error(estimate.map_T_camera, pose_at(number))
        assert metres < 0.02
        assert degrees < 0.5
        tracker.look_ahead()


def test_a_small_rest_is_not(room: SmallRoom, tracker: Tracker):
    for number in range(BEGIN):
        assert tracker.track(picture(room, number, 0.0)).trusted
    for number in range(BEGIN, IMAGES):
        estimate = tracker.track(picture(room, number, 0.93))
        assert not estimate.trusted


@pytest.mark.parametrize('seed', range(4))
def test_an_image_of_something_else_is_not_taken_for_a_covered_one(room, tracker, seed):
    for number in range(BEGIN):
        assert tracker.track(picture(room, number, 0.0)).trusted
    for number in range(BEGIN, BEGIN + 3):
        image = clouds(90 + seed)[:240, :320]
        image = np.ascontiguousarray(np.roll(image, 3 * number, axis=1))
        assert not tracker.track(Frame(number * 33_000_000, image, CAMERA)).trusted


def test_how_much_must_be_seen_is_a_setting(room: SmallRoom):
    tracker = Tracker(room.scene, Settings(tracking=TrackingSettings(min_visible=0.7)))
    tracker.start_at(pose_at(0))
    for number in range(BEGIN):
        assert tracker.track(picture(room, number, 0.0)).trusted
    estimate = tracker.track(picture(room, BEGIN, 0.45))
    assert estimate.rejection is Rejection.LOW_INLIER_RATIO
