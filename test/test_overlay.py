import numpy as np
import pytest
import torch
from small_room import CAMERA, SmallRoom, looking, pose_at

from mesh_reloc_ros.overlay import OverlaySettings, draw_overlay, mesh_lines
from mesh_reloc_ros.tracking.frame import Frame, PoseEstimate, State

POSE = pose_at(0)
SETTINGS = OverlaySettings()
CORNERS = np.array([(x, y, z) for x in (-0.4, 0.4) for y in (0.6, 1.4) for z in (0.0, 0.8)])
"""Of the box: number 4 ix + 2 iy + iz."""
BOX = [(0, 1), (1, 5), (5, 4), (4, 0), (1, 3), (3, 7), (7, 5)]
"""Its edges that are seen: those of the front, then those of the top."""
ROOM = [((-2, 2, 0), (2, 2, 0)), ((2, 2, 0), (2, 2, 3)), ((2, 2, 0), (2, -2, 0))]
"""The edges between floor and walls."""


def points_on(a, b) -> np.ndarray:
    """Return pixels [N, 2] along an edge of the mesh, those in front of the camera."""
    points = np.asarray(a) + np.linspace(0, 1, 400)[:, None] * np.subtract(b, a)
    local = (points - POSE[:3, 3]) @ POSE[:3, :3]
    pixels = CAMERA.project(torch.from_numpy(local[local[:, 2] > 0.1])).numpy()
    inside = ((pixels > 6) & (pixels < (CAMERA.width - 7, CAMERA.height - 7))).all(1)
    return pixels[inside]


def distances(pixels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return each pixel's distance [N] to the nearest of the others."""
    return np.linalg.norm(pixels[:, None] - others[None], axis=-1).min(1)


def estimate(state: State = State.TRACKING, reason: str = '') -> PoseEstimate:
    return PoseEstimate(1, state, not reason, reason, POSE, np.eye(6), score=0.9, coverage=0.9)


@pytest.fixture
def frame(room: SmallRoom) -> Frame:
    return Frame(1, room.view(POSE), CAMERA)


def test_lines_are_the_edges_of_the_mesh_and_nothing_else(room: SmallRoom):
    _, edges = mesh_lines(room.scene, POSE, CAMERA, SETTINGS)
    drawn = np.argwhere(edges > 0)[:, ::-1]
    box = np.concatenate([points_on(CORNERS[a], CORNERS[b]) for a, b in BOX])
    corners = np.concatenate([points_on(a, b) for a, b in ROOM])
    assert (distances(box, drawn) < 2.5).mean() > 0.95
    inside = ((drawn > 6) & (drawn < (CAMERA.width - 7, CAMERA.height - 7))).all(1)
    assert distances(drawn[inside], np.concatenate((box, corners))).max() < 4


def test_the_covered_area_is_where_the_mesh_is(room: SmallRoom):
    past_the_wall = looking((-0.3, -1.6, 1.3), heading_deg=125.0, down_deg=0.0)
    covered, _ = mesh_lines(room.scene, past_the_wall, CAMERA, SETTINGS)
    mask = room.scene.render(torch.from_numpy(past_the_wall), CAMERA).mask[0].numpy()
    np.testing.assert_array_equal(covered > 0, mask)
    assert 0.2 < mask.mean() < 0.8


def test_a_large_image_is_drawn_smaller_with_the_same_lines(room: SmallRoom, frame: Frame):
    half = draw_overlay(room.scene, frame, estimate(), settings=OverlaySettings(max_width=160))
    assert half.shape == (120, 160, 3)
    full = draw_overlay(room.scene, frame, estimate())
    assert full.shape == frame.image.shape
    shrunk = full.reshape(120, 2, 160, 2, 3).mean((1, 3))
    below_the_text = slice(40, None)
    difference = np.abs(half[below_the_text].astype(float) - shrunk[below_the_text])
    assert difference.mean() < 12


def test_the_state_can_be_told_at_a_glance(room: SmallRoom, frame: Frame):
    before = frame.image.copy()
    trusted = draw_overlay(room.scene, frame, estimate(), latency_ms=12.0).astype(int)
    lost = draw_overlay(room.scene, frame, estimate(State.LOST, 'no light')).astype(int)
    np.testing.assert_array_equal(frame.image, before)
    _, edges = mesh_lines(room.scene, POSE, CAMERA, SETTINGS)
    on_lines = edges > 0
    assert (trusted - lost)[on_lines, 1].mean() > 80
    assert (lost - trusted)[on_lines, 0].mean() > 80
    # The reason takes a line of its own, so the dark panel reaches further down.
    below = slice(30, 34), slice(90, 110)
    assert lost[below].mean() < 0.6 * trusted[below].mean()


def test_a_pose_that_sees_no_mesh_leaves_the_image_without_lines(room: SmallRoom, frame: Frame):
    away = pose_at(0)
    away[:3, 3] = 0.0, 50.0, 1.0
    covered, edges = mesh_lines(room.scene, away, CAMERA, SETTINGS)
    assert not covered.any()
    assert not edges.any()
