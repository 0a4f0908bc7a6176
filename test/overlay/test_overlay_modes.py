import dataclasses

import cv2
import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, looking, perturbed, photographed, pose_at

from mesh_reloc_ros.config.declaration import settings_of
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.overlay._render import rendered
from mesh_reloc_ros.overlay.view import View
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
from mesh_reloc_ros.types.frame import Frame

POSE = pose_at(0)
OFF = perturbed(POSE, seed=4, metres=0.0, degrees=3.0)
PAST_THE_WALL = looking((-0.3, -1.6, 1.3), heading_deg=125.0, down_deg=0.0)
MODES = next(s.choices for s in settings_of(OverlaySettings) if s.name == 'mode')
BELOW = slice(100, 200)
"""Rows below the panel and above the labels, of images as high as CAMERA's."""
HALF = slice(60, 95)
"""The same of halves side by side."""


def estimate(pose: np.ndarray = POSE, **others) -> PoseEstimate:
    return PoseEstimate(
        1, State.TRACKING, None, '', pose, np.eye(6), score=0.9, coverage=0.9, **others
    )


def drawn(room: SmallRoom, frame: Frame, of: PoseEstimate, mode: str, **others) -> np.ndarray:
    """Return the overlay, as numbers that can be subtracted."""
    return draw_overlay(room.scene, frame, of, 12.0, OverlaySettings(mode=mode, **others)).astype(
        int
    )


@pytest.fixture
def frame(room: SmallRoom) -> Frame:
    """Return an image with another exposure than the mesh, and noise."""
    image = photographed(room.view(POSE), seed=1, gain=(0.6, 0.7, 0.8), offset=(9.0, 5.0, 0.0))
    return Frame(1, image, CAMERA)


@pytest.fixture
def partly(room: SmallRoom) -> Frame:
    """Return an image of which the mesh covers a part, bright where it does not."""
    image = room.view(PAST_THE_WALL)
    image[~covered(room)] = 200
    return Frame(1, image, CAMERA)


def covered(room: SmallRoom) -> np.ndarray:
    return (room.view(PAST_THE_WALL) > 0).any(-1)


@pytest.mark.parametrize('mode', MODES)
def test_the_image_is_not_drawn_into_and_large_ones_become_smaller(room, frame, mode):
    before = frame.image.copy()
    assert drawn(room, frame, estimate(), mode, max_width=160).shape[1:] == (160, 3)
    np.testing.assert_array_equal(frame.image, before)


@pytest.mark.parametrize('mode', ['edges', 'tint', 'difference'])
def test_a_smaller_overlay_shows_the_same(room, frame, mode):
    large = drawn(room, frame, estimate(), mode)
    small = drawn(room, frame, estimate(), mode, max_width=160)
    shrunk = large.reshape(120, 2, 160, 2, 3).mean((1, 3))
    assert np.abs(small[60:95] - shrunk[60:95]).mean() < 12


def test_tint_shows_the_image_where_the_pose_is_right_and_both_where_it_is_off(room, frame):
    right = drawn(room, frame, estimate(), 'tint')
    assert np.abs(right - frame.image)[BELOW].mean() < 5
    off = drawn(room, frame, estimate(OFF), 'tint')
    assert np.abs(off - frame.image)[BELOW].mean() > 8


def test_tint_is_as_strong_as_it_is_set(room, frame):
    # The mesh covers these pixels from this pose.
    area = BELOW, slice(10, 320)
    none, half, full = (
        drawn(room, frame, estimate(OFF), 'tint', render_strength=strength)[area]
        for strength in (0.0, 0.5, 1.0)
    )
    np.testing.assert_array_equal(none, frame.image[area])
    assert np.abs(half - (none + full) / 2).max() < 2
    # It has the image's exposure: the mesh itself is much brighter.
    assert np.abs(full.mean((0, 1)) - none.mean((0, 1))).max() < 6
    assert room.view(OFF)[area].mean() > none.mean() + 25


def test_side_by_side_has_the_image_left_and_the_mesh_right(room, frame):
    both = drawn(room, frame, estimate(OFF), 'side_by_side', max_width=322)
    assert both.shape == (120, 322, 3)
    left, right = both[:, :160], both[:, 162:]
    image = cv2.resize(frame.image, (160, 120), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(left[HALF], image[HALF])
    seen = photographed(room.view(OFF), 1, (0.6, 0.7, 0.8), (9.0, 5.0, 0.0), noise=0.0)
    mesh = cv2.resize(seen, (160, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(right - mesh)[HALF].mean() < 6
    assert np.abs(right - image)[HALF].mean() > 12


def test_small_images_are_not_enlarged_side_by_side(room, frame):
    both = drawn(room, frame, estimate(), 'side_by_side', max_width=4000)
    assert both.shape == (CAMERA.height, 2 * CAMERA.width + 2, 3)


def test_side_by_side_is_dark_where_there_is_no_mesh(room, partly):
    right = drawn(room, partly, estimate(PAST_THE_WALL), 'side_by_side', max_width=642)[:, 322:]
    inside = cv2.erode((~covered(room)).astype(np.uint8), np.ones((5, 5))) > 0
    dark = right[BELOW][inside[BELOW]]
    assert 10 < dark.min() <= dark.max() < 40
    assert right[BELOW][covered(room)[BELOW]].mean() > 80


def test_difference_is_dark_where_the_pose_is_right_and_bright_where_it_is_off(room, frame):
    def light(pose: np.ndarray) -> float:
        return drawn(room, frame, estimate(pose), 'difference')[BELOW].mean()

    slightly = perturbed(POSE, seed=4, metres=0.0, degrees=0.5)
    assert light(POSE) < 8
    assert light(POSE) + 5 < light(slightly) < light(OFF) - 15


def test_difference_shows_what_is_not_in_the_mesh(room, frame):
    image = frame.image.copy()
    image[BELOW, 60:140] = 255
    shown = drawn(room, Frame(1, image, CAMERA), estimate(), 'difference')[BELOW]
    assert shown[5:-5, 65:135].mean() > shown[:, 160:].mean() + 100


def test_a_smaller_full_difference_shows_more(room, frame):
    usual = drawn(room, frame, estimate(OFF), 'difference')[BELOW].mean()
    assert drawn(room, frame, estimate(OFF), 'difference', full_difference=0.1)[BELOW].mean() > (
        usual + 30
    )


@pytest.mark.parametrize('mode', ['tint', 'difference'])
def test_what_the_mesh_does_not_cover_is_the_image_dimmed(room, partly, mode):
    shown = drawn(room, partly, estimate(PAST_THE_WALL), mode)
    inside = cv2.erode((~covered(room)).astype(np.uint8), np.ones((7, 7))) > 0
    np.testing.assert_allclose(shown[BELOW][inside[BELOW]], 100, atol=1)


@pytest.mark.parametrize('mode', MODES)
def test_without_a_pose_there_is_the_image_and_no_mesh(room, frame, mode):
    nowhere = dataclasses.replace(
        estimate(),
        state=State.LOST,
        rejection=Rejection.NOT_ALIGNED,
        reason='no light',
        is_located=False,
    )
    shown = drawn(room, frame, nowhere, mode, max_width=642 if mode == 'side_by_side' else 640)
    np.testing.assert_array_equal(shown[BELOW, :320], frame.image[BELOW])
    if mode == 'side_by_side':
        right = shown[:, 322:]
        assert np.median(right) < 40
        # The reason stands in the middle, and nothing beside it.
        assert right[110:130].max() > 120
        assert right[BELOW][:8].max() < 40


@pytest.mark.parametrize('mode', MODES)
def test_a_mesh_that_is_not_in_view_is_no_fault(room, frame, mode):
    away = pose_at(0)
    away[:3, 3] = 0.0, 50.0, 1.0
    shown = drawn(room, frame, estimate(away), mode, max_width=642)
    image = frame.image[BELOW].astype(float)
    if mode in ('tint', 'difference'):
        image *= 0.5
    if mode == 'difference':
        image = image @ (0.299, 0.587, 0.114)
        image = np.repeat(image[..., None], 3, axis=-1)
    assert np.abs(shown[BELOW, :320] - image).max() < 2
    if mode == 'side_by_side':
        assert shown[110:130, 322:].max() > 120


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize(
    'size', [(1, 1), (2, 3), (33, 1), (1, 40), (7, 5), (40, 30), (65, 49), (900, 12), (321, 241)]
)
def test_images_of_any_size_are_drawn(room, mode, size):
    width, height = size
    camera = Camera(width, height, 0.8 * width, 0.8 * width, width / 2 - 0.5, height / 2 - 0.5)
    image = np.full((height, width, 3), 90, np.uint8)
    for max_width in (64, 65, 640):
        shown = drawn(room, Frame(1, image, camera), estimate(), mode, max_width=max_width)
        assert 1 <= shown.shape[1] <= max_width
        assert shown.std() > 0 or min(size) < 10


def test_large_images_are_rendered_smaller_and_small_ones_as_they_are(room):
    for width, height, least, most in ((640, 480, 0.5, 0.6), (320, 240, 1, 1), (1999, 3, 1, 1)):
        camera = Camera(width, height, 500.0, 500.0, width / 2 - 0.5, height / 2 - 0.5)
        image = np.full((height, width, 3), 90, np.uint8)
        shape = rendered(View(room.scene, POSE, camera, image))[0].shape
        assert least * height <= shape[0] <= most * height + 1
        assert least * width <= shape[1] <= most * width + 1


def test_a_grey_image_does_not_differ_by_its_want_of_colour(room):
    grey = cv2.cvtColor(cv2.cvtColor(room.view(POSE), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    frame = Frame(1, grey, CAMERA)
    answer = estimate(is_grey=True)
    assert drawn(room, frame, answer, 'difference')[BELOW].mean() < 6
    assert np.ptp(drawn(room, frame, answer, 'tint')[BELOW], axis=-1).max() <= 1
