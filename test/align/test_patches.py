"""Surface points of the finest level, from patches: what a render of the whole level shows."""

import math

import numpy as np
import pytest
import torch
from support.oracle.residual import tensors_of
from support.small_room import CAMERA, SmallRoom, pose_at

from mesh_reloc_ros.align._patches import select_patch_points
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import RenderLevel, render_pyramid

POSES = torch.stack([torch.from_numpy(pose_at(step)) for step in (0.0, 3.0)])
MAX_POINTS = 1200


def coarse_level(room: SmallRoom, levels_below: int) -> RenderLevel:
    camera = CAMERA.at_level(levels_below)
    render = room.scene.render(POSES, camera)
    (level,) = render_pyramid(render.colour, render.depth, camera, 1)
    return level


def patch_points(room: SmallRoom, levels_below: int) -> SurfacePoints:
    coarse = coarse_level(room, levels_below)
    return select_patch_points(
        room.scene, POSES, CAMERA, coarse, levels_below, MAX_POINTS
    ).on_host()


def pixels_of(surface: SurfacePoints, view: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the row and column [N] of the points that count, which lie on rays of pixels."""
    found = tensors_of(surface)
    pixels = CAMERA.project(found.points[view].double())[found.weights[view] > 0]
    assert (pixels - pixels.round()).abs().max() < 1e-3
    column, row = pixels.round().long().unbind(-1)
    return row, column


@pytest.mark.parametrize('levels_below', [1, 2])
def test_points_are_those_of_the_whole_render_at_their_pixels(room, levels_below):
    surface = patch_points(room, levels_below)
    found = tensors_of(surface)
    whole = room.scene.render(POSES, CAMERA)
    for view in range(2):
        counts = found.weights[view] > 0
        assert 500 < int(counts.sum()) <= 1.2 * MAX_POINTS
        row, column = pixels_of(surface, view)
        colour, depth = whole.colour[view], whole.depth[view]
        assert torch.allclose(found.points[view, counts, 2], depth[row, column], rtol=1e-5)
        assert torch.allclose(found.colours[view, counts], colour[row, column], atol=1e-5)
        du = 0.5 * (colour[row, column + 1] - colour[row, column - 1])
        dv = 0.5 * (colour[row + 1, column] - colour[row - 1, column])
        expected = torch.stack((du, dv), dim=-1)
        assert torch.allclose(found.gradients[view, counts], expected, atol=1e-5)
        assert (expected.square().sum((-1, -2)).sqrt() > 0.004).all()


@pytest.mark.parametrize('levels_below', [1, 2])
def test_no_point_lies_beside_a_depth_edge(room, levels_below):
    surface = patch_points(room, levels_below)
    depth = room.scene.render(POSES, CAMERA).depth
    across = torch.stack((depth[:, 1:-1, :-2], depth[:, 1:-1, 2:]))
    along = torch.stack((depth[:, :-2, 1:-1], depth[:, 2:, 1:-1]))
    around = torch.cat((across, along, depth[None, :, 1:-1, 1:-1]))
    edge = around.amax(0) > 1.05 * around.amin(0)
    for view in range(2):
        row, column = pixels_of(surface, view)
        assert edge[view].any()
        assert not edge[view, row - 1, column - 1].any()


@pytest.mark.parametrize('levels_below', [1, 2])
def test_a_cell_gives_a_point_at_most_and_a_block_is_a_block(room, levels_below):
    surface = patch_points(room, levels_below)
    coarse = CAMERA.at_level(levels_below)
    cell = math.ceil(math.sqrt(coarse.width * coarse.height / MAX_POINTS))
    across = math.ceil(coarse.width / (8 * cell))
    assert surface.block_size == 64
    for view in range(2):
        row, column = pixels_of(surface, view)
        cells = torch.stack((row >> levels_below, column >> levels_below)) // cell
        # A chosen pixel lies in the middle of its coarse pixel, and so in its cell.
        assert len(cells.unique(dim=1).T) == cells.shape[1]
        block = (tensors_of(surface).weights[view] > 0).nonzero()[:, 0] // 64
        assert torch.equal(block, cells[0] // 8 * across + cells[1] // 8)


@pytest.mark.parametrize('levels_below', [1, 2])
def test_where_nothing_is_to_be_seen_no_point_counts(room, levels_below):
    away = POSES.clone()
    away[:, :3, 3] += torch.tensor([0.0, -50.0, 0.0])
    away[:, :3, :3] = away[:, :3, :3] @ torch.diag(torch.tensor([-1.0, 1, -1])).double()
    camera = CAMERA.at_level(levels_below)
    render = room.scene.render(away, camera)
    (coarse,) = render_pyramid(render.colour, render.depth, camera, 1)
    surface = select_patch_points(
        room.scene, away, CAMERA, coarse, levels_below, MAX_POINTS
    ).on_host()
    assert not surface.weights.any()
    assert np.isfinite(surface.points).all()
