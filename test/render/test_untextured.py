"""Faces without texture hide what is behind them, and are not aligned with."""

import numpy as np
import pytest
import torch
from support.meshes import CAMERAS, frontal_quad, joined, noise

from mesh_reloc_ros.align.keyframe import make_keyframe
from mesh_reloc_ros.relocalize._surface_views import _all_patches
from mesh_reloc_ros.render.scene import Scene

CAMERA = CAMERAS['landscape']
GREY = np.full((1, 1, 3), 100, np.uint8)
# A plain post of half the width before the left side of a textured wall.
WALL = frontal_quad(noise(64, 64, seed=1), 4.0, 8.0, 8.0)
POST = frontal_quad(GREY, 2.0, 1.0, 8.0)


@pytest.fixture(params=['zbuffer', 'embree', 'pytorch3d'])
def scene(request) -> Scene:
    return Scene(joined(WALL, POST), 'cpu', request.param)


def columns(values: torch.Tensor) -> np.ndarray:
    """Return the middle row."""
    return values[0, CAMERA.height // 2].numpy()


def test_they_hide_what_is_behind_them_and_are_not_seen(scene):
    beside = np.abs((np.arange(CAMERA.width) - CAMERA.cx) / CAMERA.fx * 2.0)
    clear, behind = np.abs(beside - 0.5) > 0.02, beside < 0.5
    render = scene.render(torch.eye(4), CAMERA)
    for shown in (render.mask, render.depth > 0, render.face >= 0):
        np.testing.assert_array_equal(columns(shown)[clear], ~behind[clear])
    # They keep their colour for those who look at the render.
    np.testing.assert_allclose(columns(render.colour)[behind & clear], 100 / 255, atol=1e-3)


def test_selected_pixels_are_masked_alike(scene):
    pixels = torch.arange(CAMERA.width * CAMERA.height)[None]
    render = scene.render(torch.eye(4), CAMERA, pixels)
    whole = scene.render(torch.eye(4), CAMERA)
    torch.testing.assert_close(render.mask, whole.mask.flatten(1))


def test_they_give_no_points_and_no_coverage():
    scene = Scene(joined(WALL, POST), 'cpu')
    keyframe = make_keyframe(scene, torch.eye(4, dtype=torch.float64)[None], CAMERA, 0, 2, 2000)
    hidden = float((~scene.render(torch.eye(4), CAMERA).mask).float().mean())
    assert float(keyframe.coverage) == pytest.approx(1 - hidden)
    for level in (*keyframe.levels, keyframe.score_level):
        used = level.surface.weights > 0
        assert used.sum() > 50
        assert level.surface.points[used][:, 2].min() > 3.9


def test_views_are_made_of_textured_faces_only():
    apart = frontal_quad(GREY, 30.0, 40.0, 40.0)
    patches = _all_patches(Scene(joined(WALL, apart), 'cpu'))
    assert patches
    for patch in patches:
        np.testing.assert_allclose(patch.centre[:, 2], 4.0, atol=1e-6)
