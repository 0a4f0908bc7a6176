"""Images of other sizes show the same, seen by their camera."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.resize import resized, resized_camera
from support.small_room import CAMERA, pose_at

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

VGA = Camera(width=640, height=480, fx=525.0, fy=530.0, cx=319.5, cy=242.0)


@pytest.mark.parametrize('size', [(320, 240), (160, 120), (320, 180), (640, 360), (480, 480)])
def test_a_resized_image_is_what_its_camera_sees(room, size):
    pose = pose_at(0)
    frame = resized(Frame(1, room.view(pose), CAMERA), *size)
    assert (frame.camera.width, frame.camera.height) == size
    camera = frame.camera

    def difference(right: float, down: float) -> float:
        moved = replace(camera, cx=camera.cx + right, cy=camera.cy + down)
        seen = room.scene.render(torch.from_numpy(pose), moved).colour[0].numpy()
        return float(np.abs(frame.image / 255 - seen).mean())

    # A shift by a quarter of an original pixel shows.
    shift = 0.25 * camera.fx / CAMERA.fx
    for right, down in ((shift, 0), (-shift, 0), (0, shift), (0, -shift)):
        assert difference(0, 0) < 0.95 * difference(right, down)


def test_points_keep_their_place_in_the_part_that_is_kept():
    wide = resized_camera(VGA, 1280, 720)
    # 60 rows are cut off above; pixels are doubled about the image's corner.
    points = torch.tensor([[0.1, -0.2, 2.0], [-0.3, 0.05, 1.5]])
    expected = (VGA.project(points) - torch.tensor([0.0, 60.0]) + 0.5) * 2 - 0.5
    assert torch.allclose(wide.project(points), expected, atol=1e-3)
