"""The pinhole camera: projection, rays, and the convention of pixel centres."""

import math

import pytest
import torch

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=120, height=70, fx=95.0, fy=110.0, cx=41.3, cy=52.7)


def pixel_grid(camera):
    v, u = torch.meshgrid(torch.arange(camera.height), torch.arange(camera.width), indexing='ij')
    return torch.stack((u, v), dim=-1).double()


def test_points_project_by_the_pinhole_model():
    points = torch.tensor([[0.0, 0.0, 2.0], [0.5, -0.25, 2.0], [-1.0, 1.0, 4.0]])
    expected = torch.tensor(
        [
            [41.3, 52.7],
            [41.3 + 95 * 0.25, 52.7 - 110 * 0.125],
            [41.3 - 95 * 0.25, 52.7 + 110 * 0.25],
        ]
    )
    assert torch.allclose(CAMERA.project(points), expected)


def test_rays_go_through_the_centres_of_their_pixels():
    rays = CAMERA.rays()
    assert rays.shape == (70, 120, 3)
    assert rays.dtype == torch.float32
    assert torch.equal(rays[..., 2], torch.ones(70, 120))
    assert torch.allclose(CAMERA.project(rays.double()), pixel_grid(CAMERA), atol=1e-4)


@pytest.mark.parametrize('level', [1, 2, 3])
def test_a_pixel_of_a_level_looks_where_the_pixels_that_it_averages_look(level):
    camera = CAMERA.at_level(level)
    block = 2**level
    assert (camera.width, camera.height) == (120 // block, 70 // block)
    full = CAMERA.rays()[: camera.height * block, : camera.width * block]
    averaged = full.reshape(camera.height, block, camera.width, block, 3).mean((1, 3))
    assert torch.allclose(camera.rays(), averaged, atol=1e-5)


def test_a_point_keeps_its_place_in_a_resized_image():
    camera = CAMERA.resized(2 * CAMERA.width, 3 * CAMERA.height)
    assert (camera.width, camera.height) == (2 * CAMERA.width, 3 * CAMERA.height)
    point = torch.tensor([0.3, -0.2, 2.0])
    u, v = CAMERA.project(point).tolist()
    # Pixel borders, not centres, are stretched.
    expected = [(u + 0.5) * 2 - 0.5, (v + 0.5) * 3 - 0.5]
    assert camera.project(point).tolist() == pytest.approx(expected, abs=1e-4)


def test_the_matrix_projects_as_the_camera_does():
    point = torch.tensor([0.3, -0.2, 2.0], dtype=torch.float64)
    u, v, w = CAMERA.matrix @ point.numpy()
    assert CAMERA.project(point).tolist() == pytest.approx([u / w, v / w])


def test_levels_add_up():
    assert CAMERA.at_level(0) == CAMERA
    one_by_one = CAMERA.at_level(1).at_level(2)
    at_once = CAMERA.at_level(3)
    assert (one_by_one.width, one_by_one.height) == (at_once.width, at_once.height)
    assert one_by_one.cx == pytest.approx(at_once.cx)
    assert one_by_one.fy == pytest.approx(at_once.fy)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'width': 0}, 'image size 0x70 is empty'),
        ({'height': -1}, 'is empty'),
        ({'fx': 0.0}, 'not calibrated'),
        ({'fy': -5.0}, 'not calibrated'),
        ({'cx': math.nan}, 'not finite'),
        ({'fx': math.inf}, 'not finite'),
    ],
)
def test_what_no_camera_has_is_refused(changes, words):
    numbers = {'width': 120, 'height': 70, 'fx': 95.0, 'fy': 110.0, 'cx': 41.3, 'cy': 52.7}
    with pytest.raises(InputError, match=words) as refusal:
        Camera(**{**numbers, **changes})
    assert '\n' not in str(refusal.value)


def test_the_coarsest_level_that_is_not_too_small():
    camera = Camera(640, 480, 500.0, 500.0, 320.0, 240.0)
    assert [camera.coarsest_level(px) for px in (60, 61, 120, 240, 241, 480, 1000)] == [
        *(3, 2, 2, 1, 0, 0, 0),
    ]


def strip(width: int, height: int, focal: float = 500.0) -> Camera:
    return Camera(width, height, focal, focal, width / 2, height / 2)


def test_the_span_of_a_strip_follows_its_height():
    assert strip(640, 480).span == 640
    assert strip(1280, 720).span == 1280
    assert strip(480, 640).span == 480
    assert strip(640, 90).span == pytest.approx(160)


@pytest.mark.parametrize(
    ('camera', 'narrow'),
    [
        (strip(640, 480), False),
        (strip(480, 640), False),
        (strip(640, 64), True),
        (strip(96, 480), True),
        # Seen through a long lens, and through a wide one.
        (strip(640, 480, focal=5000.0), False),
        (strip(640, 200, focal=200.0), False),
        (strip(640, 200, focal=800.0), True),
    ],
)
def test_strips_are_narrow_unless_the_lens_is_wide(camera, narrow):
    assert camera.is_narrow is narrow
    assert camera.at_level(1).is_narrow is narrow
