"""Cube maps: which pixel lies in which direction."""

import numpy as np
import torch
from support.small_room import SmallRoom

from mesh_reloc_ros.relocalize._cube import (
    SIDES,
    cube_camera,
    cube_directions,
    cube_pixels,
    cube_poses,
)


def test_sides_are_rotations_that_look_in_all_six_directions():
    np.testing.assert_allclose(SIDES @ SIDES.transpose(0, 2, 1), np.tile(np.eye(3), (6, 1, 1)))
    np.testing.assert_allclose(np.linalg.det(SIDES), 1)
    assert len({tuple(side[:, 2]) for side in SIDES}) == 6


def test_every_direction_of_a_pixel_lies_in_that_pixel():
    for side in (1, 6, 32):
        pixels = cube_pixels(cube_directions(side), side)
        np.testing.assert_array_equal(pixels, np.arange(6 * side**2))


def test_what_a_pixel_shows_lies_in_its_direction(room: SmallRoom):
    place = np.array([[0.3, -0.7, 1.2]])
    fragments = room.scene.rasterizer.rasterize(cube_poses(place), cube_camera(8))
    seen = fragments.face.flatten() >= 0
    depth = fragments.depth.flatten()[seen, None].numpy()
    points = place + depth * cube_directions(8)[seen.numpy()]
    corners = room.scene.mesh.vertices[room.scene.mesh.faces[fragments.face.flatten()[seen]]]
    weights = fragments.barycentric.reshape(-1, 3)[seen].numpy()
    np.testing.assert_allclose(points, (weights[..., None] * corners).sum(1), atol=1e-4)
    assert 0.2 < float(seen.to(torch.float32).mean()) < 0.9
