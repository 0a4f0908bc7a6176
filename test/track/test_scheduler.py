"""Keyframes that are kept from image to image, and alignments that are tried again."""

import dataclasses

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, clouds, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment, AlignMode
from mesh_reloc_ros.align.coarse_to_fine import tracking_keyframe
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track._scheduler import AlignmentScheduler, KeyframeCache
from mesh_reloc_ros.types.frame import Frame

TRUE = pose_at(0.5)
SETTINGS = Settings()
# Of the walls that the camera sees, metres.
DISTANCE = 2.0


def frame(image: np.ndarray, ms: float = 0.0) -> Frame:
    return Frame(round(ms * 1e6), image, CAMERA, is_grey=False)


def align(scheduler: AlignmentScheduler, image: np.ndarray, start: np.ndarray) -> Alignment:
    return scheduler.align(frame(image), start, None, SETTINGS)


def render_ahead(scheduler: AlignmentScheduler, pose: np.ndarray) -> None:
    scheduler.render_ahead(CAMERA, pose, DISTANCE, SETTINGS, grey=False)


@pytest.fixture
def scheduler(room: SmallRoom) -> AlignmentScheduler:
    return AlignmentScheduler(room.scene)


def test_a_keyframe_serves_for_views_near_by_and_no_further(room, scheduler, renders):
    align(scheduler, room.view(TRUE), TRUE)
    for metres, degrees, count in ((0.05, 2.0, 0), (0.1, 9.0, 1)):
        pose = perturbed(TRUE, 11, metres, degrees)
        image = room.view(pose)
        renders.clear()
        alignment = align(scheduler, image, pose)
        assert len(renders) == count
        assert error(alignment.pose, pose)[0] < 0.005


def test_after_rendering_ahead_an_image_waits_for_no_render(room, scheduler, renders):
    # As far as the image may move, and farther than a keyframe serves for.
    for metres, degrees in ((0.0, 0.0), (0.3, 10.0)):
        pose = perturbed(TRUE, 11, metres, degrees)
        image = room.view(pose)
        renders.clear()
        render_ahead(scheduler, pose)
        assert len(renders) == 1
        assert error(renders[0], pose)[0] < 0.1
        render_ahead(scheduler, perturbed(pose, 1, 0.01, 0.3))
        alignment = align(scheduler, image, perturbed(pose, 2, 0.01, 0.3))
        assert len(renders) == 1
        assert error(alignment.pose, pose)[0] < 0.005


def test_tracks_that_differ_a_little_render_the_same_keyframes(room, renders):
    rng = np.random.default_rng(3)
    for _ in range(5):
        pose = perturbed(TRUE, int(rng.integers(100)), 0.3, 10.0)
        for start in (pose, perturbed(pose, 1, 1e-5, 1e-4)):
            render_ahead(AlignmentScheduler(room.scene), start)
        first, second = renders[-2:]
        np.testing.assert_array_equal(first, second)


def test_without_reuse_keyframes_are_rendered_where_the_image_is_expected(scheduler, renders):
    pose = perturbed(TRUE, 11, 0.3, 10.0)
    settings = Settings(alignment=AlignmentSettings(keyframe_motion=0.0))
    scheduler.render_ahead(CAMERA, pose, DISTANCE, settings, grey=False)
    np.testing.assert_array_equal(renders, [pose])


def test_rendering_ahead_comes_before_an_image_would_have_to_wait(room, scheduler, renders):
    align(scheduler, room.view(TRUE), TRUE)
    away = perturbed(TRUE, 11, 0.0, 5.0)
    image = room.view(away)
    renders.clear()
    align(scheduler, image, away)
    assert not renders
    render_ahead(scheduler, away)
    assert len(renders) == 1


def test_a_cached_keyframe_fits_one_camera_one_colour_mode_and_one_group_of_settings(room):
    settings = AlignmentSettings()
    pose = torch.from_numpy(TRUE)[None]
    cache = KeyframeCache()
    keyframe = tracking_keyframe(room.scene, pose, CAMERA, settings)

    def cached(camera=CAMERA, settings=settings, grey=False):
        return cache.near(pose, camera, settings, grey=grey, max_motion=0.05)

    assert cached() is None
    cache.put(keyframe, settings)
    assert cached() is keyframe
    assert cached(camera=dataclasses.replace(CAMERA, fx=261.0)) is None
    assert cached(grey=True) is None
    assert cached(settings=AlignmentSettings(max_points=1000)) is None


class Poor:
    """Calls every alignment poor, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _) -> bool:
        self.asked += 1
        return True


def retry(scheduler: AlignmentScheduler, image: np.ndarray, start: np.ndarray, ms: float):
    poor = Poor()
    alignment = scheduler.align_with_retry(frame(image, ms), start, None, SETTINGS, poor)
    assert poor.asked
    return alignment


def test_a_poor_alignment_is_tried_again_coarse_to_fine(room, scheduler):
    start = perturbed(TRUE, 100, metres=0.15, degrees=5.0)
    alignment = retry(scheduler, photographed(room.view(TRUE), 1), start, ms=1000)
    assert error(alignment.pose, TRUE)[0] < 0.005


def test_retries_that_do_not_help_become_rare(room, scheduler, renders):
    """Each renders more than once, and a fast alignment at most once."""
    other = clouds(seed=77)[:240, :320]
    retried = []
    for ms in range(1000, 2700, 50):
        renders.clear()
        retry(scheduler, other, TRUE, ms)
        retried += [ms] * (len(renders) > 1)
    assert np.diff(retried).tolist() == [150, 300, 600, 600]


def test_the_mode_is_chosen_by_the_caller(room, scheduler, renders):
    start = perturbed(TRUE, 100, metres=0.15, degrees=5.0)
    image = frame(photographed(room.view(TRUE), 1))
    renders.clear()
    alignment = scheduler.align(image, start, None, SETTINGS, AlignMode.COARSE)
    assert len(renders) > 1
    assert error(alignment.pose, TRUE)[0] < 0.005
