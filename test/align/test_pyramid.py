"""Pyramids of images and renders: pixel centres, planes and masks stay where they are."""

import numpy as np
import pytest
import torch

from mesh_reloc_ros.align.pyramid import image_pyramid, render_pyramid
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=64, height=48, fx=60.0, fy=66.0, cx=27.4, cy=29.1)


def pixel_centres(level, height, width):
    """Return u and v [H, W] of a level's pixels, in pixels of the full image."""
    v, u = np.mgrid[:height, :width]
    return (u + 0.5) * 2**level - 0.5, (v + 0.5) * 2**level - 0.5


@pytest.mark.parametrize(('height', 'width'), [(48, 64), (51, 61)])
def test_an_affine_image_is_the_same_affine_function_at_every_level(height, width):
    v, u = np.mgrid[:height, :width]
    image = np.stack((2 * u + v + 5, 3 * v, 190 - 2 * u - v), axis=-1).astype(np.uint8)
    camera = Camera(width=width, height=height, fx=60.0, fy=66.0, cx=27.4, cy=29.1)
    levels = image_pyramid(image, camera)[:4]
    assert [level.number for level in levels] == [0, 1, 2, 3]
    assert [level.camera for level in levels] == [camera.at_level(n) for n in range(4)]
    assert [level.image.shape for level in levels] == [
        (height >> l, width >> l, 3)
        for l in range(4)  # noqa: E741
    ]
    for number, level in enumerate(levels):
        u, v = pixel_centres(number, *level.image.shape[:2])
        expected = np.stack((2 * u + v + 5, 3 * v, 190 - 2 * u - v), axis=-1)
        assert level.image.dtype == np.uint8
        # Every level is rounded; a shift by half a pixel would be one to twelve grey values.
        np.testing.assert_allclose(level.image, expected, atol=0.5 * number)


def test_a_pixel_of_a_level_is_the_average_of_four():
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    full, half, *_ = image_pyramid(image, CAMERA)
    np.testing.assert_array_equal(full.image, image)
    average = image.reshape(24, 2, 32, 2, 3).mean((1, 3))
    assert (np.abs(half.image - average) <= 0.5).all()


@pytest.mark.parametrize(('height', 'width'), [(1, 1), (1, 40), (51, 61), (64, 64)])
def test_the_last_level_cannot_be_halved(height, width):
    camera = Camera(width=width, height=height, fx=60.0, fy=66.0, cx=27.4, cy=29.1)
    levels = image_pyramid(np.zeros((height, width, 3), dtype=np.uint8), camera)
    assert min(levels[-1].image.shape[:2]) == 1


def plane_render():
    """Return colour and depth of a slanted plane whose colour is affine in the image."""
    inverse_depth = CAMERA.rays() @ torch.tensor([0.11, -0.07, 0.4])
    v, u = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing='ij')
    colour = torch.stack((0.01 * u, 0.02 * v, 0.9 - 0.005 * (u + v)), dim=-1)
    return colour[None], (1 / inverse_depth)[None]


def test_a_plane_stays_that_plane_at_every_level():
    for number, level in enumerate(render_pyramid(*plane_render(), CAMERA, 4)):
        assert level.camera == CAMERA.at_level(number)
        expected = level.camera.rays() @ torch.tensor([0.11, -0.07, 0.4])
        assert torch.allclose(level.inverse_depth[0, 0], expected, rtol=1e-5)
        u, v = pixel_centres(number, level.camera.height, level.camera.width)
        np.testing.assert_allclose(level.colour[0, 0], 0.01 * u, atol=1e-5)
        np.testing.assert_allclose(level.colour[0, 1], 0.02 * v, atol=1e-5)
        assert level.mask.all()


def test_a_pixel_of_a_level_is_mesh_only_if_all_below_it_are():
    colour, depth = plane_render()
    depth[0, 17, 30] = 0
    for number, level in enumerate(render_pyramid(colour, depth, CAMERA, 4)):
        without = (~level.mask[0, 0]).nonzero().tolist()
        assert without == [[17 >> number, 30 >> number]]


def test_a_pixel_across_two_surfaces_is_on_neither():
    colour, depth = plane_render()
    depth[0, :, 21:] += 3
    _, half, quarter = render_pyramid(colour, depth, CAMERA, 3)
    assert (~half.mask[0, 0]).nonzero()[:, 1].unique().tolist() == [10]
    assert (~quarter.mask[0, 0]).nonzero()[:, 1].unique().tolist() == [5]
