import dataclasses

import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, pose_at

from mesh_reloc_ros.config.declaration import settings_of
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.overlay._edges import mesh_lines
from mesh_reloc_ros.overlay._panel import state_colour, write_label, write_panel, write_scale
from mesh_reloc_ros.overlay.text import Pen
from mesh_reloc_ros.overlay.view import View
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
from mesh_reloc_ros.types.frame import Frame

POSE = pose_at(0)
MODES = next(s.choices for s in settings_of(OverlaySettings) if s.name == 'mode')


def estimate(state: State = State.TRACKING, reason: str = '') -> PoseEstimate:
    rejection = Rejection.LOW_SCORE if reason else None
    return PoseEstimate(1, state, rejection, reason, POSE, np.eye(6), score=0.9, coverage=0.9)


def panel_rows(image: np.ndarray, before: np.ndarray) -> int:
    """Return how many rows of the image were written into."""
    return int((image != before).any((1, 2)).sum())


def blank(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 150, np.uint8)


def test_the_state_can_be_told_at_a_glance(room: SmallRoom):
    frame = Frame(1, room.view(POSE), CAMERA)
    trusted = draw_overlay(room.scene, frame, estimate(), latency_ms=12.0).astype(int)
    lost = draw_overlay(room.scene, frame, estimate(State.LOST, 'no light')).astype(int)
    _, edges = mesh_lines(View(room.scene, POSE, CAMERA, frame.image), OverlaySettings())
    assert (trusted - lost)[edges, 1].mean() > 80
    assert (lost - trusted)[edges, 0].mean() > 80


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('is_located', [True, False])
def test_every_mode_has_the_panel_in_the_colour_of_the_state(room: SmallRoom, mode, is_located):
    frame, settings = Frame(1, room.view(POSE), CAMERA), OverlaySettings(mode=mode)
    answers = [
        dataclasses.replace(answer, is_located=is_located)
        for answer in (estimate(), estimate(State.UNSURE, 'dark'), estimate(State.LOST, 'dark'))
    ]
    colours = np.array([state_colour(answer) for answer in answers])
    for number, answer in enumerate(answers):
        line = draw_overlay(room.scene, frame, answer, 12.0, settings)[6:20, 12:80].astype(int)
        lit = line[line.max(-1) > 150]
        nearest = np.linalg.norm(lit[:, None] - colours, axis=-1).argmin(1)
        assert len(lit) > 20
        assert (nearest == number).mean() > 0.8


def test_a_long_reason_wraps_and_leaves_the_lower_half_free():
    image = blank(320, 240)
    rows = []
    for reason in ('', 'no light', 'no light ' * 12, 'no light ' * 200):
        shown = image.copy()
        write_panel(shown, estimate(State.LOST, reason), 12.0)
        rows.append(panel_rows(shown, image))
        np.testing.assert_array_equal(shown[120:], image[120:])
    assert rows == sorted(set(rows))


def test_the_time_is_the_trackers_own_where_none_is_given(room: SmallRoom):
    frame = Frame(1, room.view(POSE), CAMERA)
    timed = dataclasses.replace(estimate(), stages_ms={'total': 12.0})
    own = draw_overlay(room.scene, frame, timed)
    np.testing.assert_array_equal(own, draw_overlay(room.scene, frame, estimate(), 12.0))
    assert (own != draw_overlay(room.scene, frame, estimate(), 98.0)).any()


def test_text_is_no_wider_than_it_may_be():
    pen = Pen(blank(640, 480))
    text = 'the image and the render correlate by 0.41 and ' + 'x' * 80
    lines = pen.wrapped(text, 200)
    assert len(lines) > 2
    assert max(map(pen.width, lines)) <= 200
    assert lines[-1].endswith('...')
    assert ' '.join(lines).startswith('the image and the render correlate by 0.41 and')


def test_letters_grow_with_the_picture_and_stay_legible():
    large, usual, small = (Pen(blank(4 * n, 3 * n)).width('score') for n in (480, 160, 20))
    assert large == pytest.approx(3 * usual, rel=0.1)
    assert small == pytest.approx(0.7 * usual, rel=0.1)


@pytest.mark.parametrize('size', [(640, 8), (20, 12), (12, 300), (40, 30), (640, 40)])
def test_what_has_no_room_is_left_out_or_cut(size):
    image = blank(*size)
    shown = image.copy()
    write_panel(shown, estimate(State.LOST, 'no light'), 12.0)
    write_label(shown, 'image')
    write_scale(shown, 0.35, np.zeros((256, 3), np.uint8))
    assert shown.shape == image.shape
    if size[1] < 20:
        np.testing.assert_array_equal(shown, image)
