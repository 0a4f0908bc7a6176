from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.small_room import CAMERA, SmallRoom, pose_at, small_room_mesh

from mesh_reloc_ros.render.grey import greyed_bytes, shows_grey, with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.frame import Frame


def greyed(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def test_a_grey_render_looks_like_a_grey_photograph(room: SmallRoom):
    scene, pose = room.scene, torch.from_numpy(pose_at(0))
    photograph = cv2.cvtColor(room.view(pose_at(0)), cv2.COLOR_RGB2GRAY)
    render = scene.render(pose, CAMERA, grey=True)
    shown = (255 * render.colour[0]).round().to(torch.uint8).numpy()
    for channel in range(3):
        assert np.abs(shown[..., channel].astype(int) - photograph).max() <= 1
    coloured = scene.render(pose, CAMERA).colour[0].numpy()
    assert np.ptp(coloured, axis=-1).mean() > 0.05


def test_bytes_are_greyed_alike_and_only_black_is_black():
    colours = np.array([[0, 0, 0], [0, 0, 1], [200, 100, 50], [255, 255, 255]], np.uint8)
    np.testing.assert_array_equal(
        greyed_bytes(colours), np.repeat([[0], [1], [125], [255]], 3, axis=1)
    )


def test_images_show_whether_they_are_grey(room: SmallRoom):
    view = room.view(pose_at(0))
    grey = greyed(view)
    assert shows_grey(view) is False
    assert shows_grey(grey) is True
    _, jpeg = cv2.imencode('.jpg', grey, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert shows_grey(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)) is True
    # Dark images do not show it, however noisy.
    assert shows_grey(np.zeros_like(view)) is None
    noise = np.random.default_rng(1).integers(0, 6, view.shape).astype(np.uint8)
    assert shows_grey(noise) is None


@pytest.mark.parametrize('default', [False, True])
def test_a_frame_goes_by_what_is_given_then_by_its_image_then_by_the_default(room, default):
    view = room.view(pose_at(0))
    dark = np.zeros_like(view)
    for image, given, expected in (
        (view, None, False),
        (greyed(view), None, True),
        (dark, None, default),
        (view, True, True),
        (greyed(view), False, False),
        (dark, not default, not default),
    ):
        frame = with_colour_mode(Frame(1, image, CAMERA, is_grey=given), False, default)
        assert frame.is_grey is expected
        assert frame.image is image


def test_with_a_grey_mesh_every_image_is_made_grey(room):
    view = room.view(pose_at(0))
    for given in (None, False):
        frame = with_colour_mode(Frame(1, view, CAMERA, is_grey=given), mesh_is_grey=True)
        assert frame.is_grey
        np.testing.assert_array_equal(frame.image, greyed_bytes(view))


def test_a_scene_is_grey_if_its_textures_are():
    mesh = small_room_mesh()
    assert not Scene(mesh, 'cpu').is_grey
    grey = [greyed_bytes(texture) for texture in mesh.textures]
    assert Scene(replace(mesh, textures=grey), 'cpu').is_grey
    assert not Scene(replace(mesh, textures=[*grey[:-1], mesh.textures[-1]]), 'cpu').is_grey
