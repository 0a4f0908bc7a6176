import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, looking, pose_at

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay._edges import mesh_lines
from mesh_reloc_ros.overlay._surface import visible_surface
from mesh_reloc_ros.overlay.view import View
from mesh_reloc_ros.types.camera import Camera

POSE = pose_at(0)
PAST_THE_WALL = looking((-0.3, -1.6, 1.3), heading_deg=125.0, down_deg=0.0)
SETTINGS = OverlaySettings()
CORNERS = np.array([(x, y, z) for x in (-0.4, 0.4) for y in (0.6, 1.4) for z in (0.0, 0.8)])
"""Of the box: number 4 ix + 2 iy + iz."""
BOX = [(0, 1), (1, 5), (5, 4), (4, 0), (1, 3), (3, 7), (7, 5)]
"""Its edges that are seen: those of the front, then those of the top."""
ROOM = [((-2, 2, 0), (2, 2, 0)), ((2, 2, 0), (2, 2, 3)), ((2, 2, 0), (2, -2, 0))]
"""The edges between floor and walls."""


def view(room: SmallRoom, pose: np.ndarray, camera: Camera = CAMERA) -> View:
    return View(room.scene, pose, camera, np.zeros((camera.height, camera.width, 3), np.uint8))


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


def test_lines_are_the_edges_of_the_mesh_and_nothing_else(room: SmallRoom):
    _, edges = mesh_lines(view(room, POSE), SETTINGS)
    drawn = np.argwhere(edges)[:, ::-1]
    box = np.concatenate([points_on(CORNERS[a], CORNERS[b]) for a, b in BOX])
    corners = np.concatenate([points_on(a, b) for a, b in ROOM])
    assert (distances(box, drawn) < 2.5).mean() > 0.95
    inside = ((drawn > 6) & (drawn < (CAMERA.width - 7, CAMERA.height - 7))).all(1)
    assert distances(drawn[inside], np.concatenate((box, corners))).max() < 4


@pytest.mark.parametrize('size', [(320, 240), (321, 239), (37, 23), (3, 2), (1, 1)])
def test_the_covered_area_is_where_the_mesh_is(room: SmallRoom, size):
    width, height = size
    camera = Camera(width, height, 0.8 * width, 0.8 * width, width / 2 - 0.5, height / 2 - 0.5)
    covered, edges = mesh_lines(view(room, PAST_THE_WALL, camera), SETTINGS)
    mask = room.scene.render(torch.from_numpy(PAST_THE_WALL), camera).mask[0].numpy()
    np.testing.assert_array_equal(covered, mask)
    assert edges.shape == (height, width)
    if width > 30:
        assert 0.2 < mask.mean() < 0.8


@pytest.mark.parametrize('pose', [POSE, PAST_THE_WALL])
def test_depth_is_right_everywhere_though_few_rays_are_cast(room: SmallRoom, pose, monkeypatch):
    rays = []
    cast = type(room.scene.rasterizer).rasterize

    def counted(self, poses, camera, pixels):
        rays.append(pixels.numel())
        return cast(self, poses, camera, pixels)

    monkeypatch.setattr(type(room.scene.rasterizer), 'rasterize', counted)
    inverse_depth, _ = visible_surface(view(room, pose), SETTINGS.depth_step)
    monkeypatch.undo()
    assert sum(rays) < 0.4 * CAMERA.width * CAMERA.height
    depth = room.scene.render(torch.from_numpy(pose), CAMERA).depth[0].numpy()
    found = np.where(inverse_depth > 0, 1 / np.maximum(inverse_depth, 1e-9), 0)
    # Where the surface bends, inverse depth between two pixels is not quite linear.
    assert (np.abs(found - depth) > 1e-4 * depth).mean() < 0.03
    assert (np.abs(found - depth) / np.maximum(depth, 1)).max() < SETTINGS.depth_step
    for last in ((-1, slice(None)), (slice(None), -1)):
        np.testing.assert_allclose(found[last], depth[last], rtol=1e-4)


def test_a_pose_that_sees_no_mesh_leaves_the_image_without_lines(room: SmallRoom):
    away = pose_at(0)
    away[:3, 3] = 0.0, 50.0, 1.0
    covered, edges = mesh_lines(view(room, away), SETTINGS)
    assert not covered.any()
    assert not edges.any()
