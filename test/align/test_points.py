"""The choice of surface points."""

import math

import numpy as np
import pytest
import torch
from support.oracle.residual import tensors_of

from mesh_reloc_ros.align.points import all_points, select_points
from mesh_reloc_ros.align.pyramid import render_pyramid
from mesh_reloc_ros.types.camera import Camera

# Not a multiple of any cell's side, so that the last ones are partly empty.
CAMERA = Camera(width=61, height=43, fx=55.0, fy=60.0, cx=33.3, cy=18.9)


def textured_level(batch=2, seed=1, smooth=False):
    """Return a render of noise, or of a colour that is affine in the image, on rough ground."""
    generator = torch.Generator().manual_seed(seed)
    v, u = torch.meshgrid(torch.arange(43.0), torch.arange(61.0), indexing='ij')
    affine = torch.stack((0.012 * u, 0.02 * v, 0.004 * u + 0.005 * v), dim=-1)
    noise = torch.rand(batch, 43, 61, 3, generator=generator)
    colour = affine.expand(batch, -1, -1, -1) if smooth else noise
    depth = 2 + torch.rand(batch, 43, 61, generator=generator)
    (level,) = render_pyramid(colour, depth, CAMERA, 1)
    return level, colour, depth


def pixels_of(surface):
    """Return the column and row [B, N] of points, which lie on the rays of pixels."""
    pixels = CAMERA.project(tensors_of(surface).points.double())
    assert (pixels - pixels.round()).abs().max() < 1e-3
    return pixels.round().long().unbind(-1)


def test_points_lie_on_the_surface_under_their_pixel_and_have_its_colour():
    level, colour, depth = textured_level()
    for surface in (all_points(level).on_host(), select_points(level, 500).on_host()):
        column, row = pixels_of(surface)
        view = torch.arange(2)[:, None]
        found = tensors_of(surface)
        assert torch.allclose(found.points[..., 2], depth[view, row, column], rtol=1e-5)
        assert torch.equal(found.colours, colour[view, row, column])


def test_gradients_are_the_change_of_colour_per_pixel():
    level, _, _ = textured_level(smooth=True)
    inside = tensors_of(all_points(level).on_host()).gradients.reshape(2, 43, 61, 3, 2)[
        :, 1:-1, 1:-1
    ]
    expected = torch.tensor([[0.012, 0.0], [0.0, 0.02], [0.004, 0.005]])
    assert torch.allclose(inside, expected.expand_as(inside), atol=1e-5)


def with_a_hole():
    """Return a render level without mesh at one pixel, and where mesh is all around [43, 61]."""
    colour, depth = textured_level()[1:]
    depth[:, 20, 30] = 0
    (level,) = render_pyramid(colour, depth, CAMERA, 1)
    surrounded = torch.zeros(43, 61)
    surrounded[1:-1, 1:-1] = 1
    surrounded[19:22, 29:32] = 0
    return level, surrounded


def test_every_pixel_with_mesh_is_a_point():
    level, _ = with_a_hole()
    weights = tensors_of(all_points(level).on_host()).weights.reshape(2, 43, 61)
    assert (weights == 0).nonzero().tolist() == [[0, 20, 30], [1, 20, 30]]


def test_only_pixels_with_mesh_all_around_are_chosen():
    """The others have no gradient of the surface alone."""
    level, surrounded = with_a_hole()
    chosen = tensors_of(select_points(level, 1_000_000).on_host())
    assert chosen.weights.sum(1).tolist() == [float(surrounded.sum())] * 2
    column, row = pixels_of(select_points(level, 1_000_000).on_host())
    assert torch.equal(chosen.weights * surrounded[row, column], chosen.weights)


@pytest.mark.parametrize('max_points', [15, 100, 480, 1000])
def test_every_cell_gives_its_strongest_pixel_block_by_block(max_points):
    level, surrounded = with_a_hole()
    surface, everything = (
        select_points(level, max_points).on_host(),
        tensors_of(all_points(level).on_host()),
    )
    # As many square cells as points fit into the image, eight by eight of them in a block.
    cell = math.ceil(math.sqrt(43 * 61 / max_points))
    assert surface.block_size == 64
    assert surface.points.shape[1] == 64 * math.ceil(43 / (8 * cell)) * math.ceil(61 / (8 * cell))
    strength = everything.gradients.square().sum((-1, -2)).sqrt().reshape(2, 43, 61) * surrounded
    column, row = pixels_of(surface)
    blocks_across = math.ceil(61 / (8 * cell))
    for view in range(2):
        counts = tensors_of(surface).weights[view] > 0
        places = (row[view, counts].tolist(), column[view, counts].tolist())
        pixels = {*zip(*places, strict=True)}
        assert len(pixels) == int(counts.sum())
        expected = set()
        for top in range(0, 43, cell):
            for left in range(0, 61, cell):
                part = strength[view, top : top + cell, left : left + cell]
                y, x = divmod(int(part.argmax()), part.shape[1])
                expected |= {(top + y, left + x)} if part[y, x] > 0.004 else set()
        assert pixels == expected
        block = counts.nonzero()[:, 0] // 64
        down, across = (torch.tensor(place) // (8 * cell) for place in places)
        assert torch.equal(block, blocks_across * down + across)


def test_asking_for_more_points_than_pixels_gives_each_once():
    level, _, _ = textured_level()
    surface = select_points(level, 1_000_000).on_host()
    assert surface.weights.sum(1).tolist() == [41 * 59, 41 * 59]


def test_where_nothing_is_to_be_seen_no_point_counts():
    (uniform,) = render_pyramid(
        torch.full((1, 43, 61, 3), 0.5), torch.full((1, 43, 61), 2.0), CAMERA, 1
    )
    (empty,) = render_pyramid(torch.zeros(1, 43, 61, 3), torch.zeros(1, 43, 61), CAMERA, 1)
    for level in (uniform, empty):
        surface = select_points(level, 500).on_host()
        assert not surface.weights.any()
        assert np.isfinite(surface.points).all()
    assert not all_points(empty).on_host().weights.any()
