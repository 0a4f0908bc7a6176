"""Images that are too bright, noisy or framed in black, and grey meshes: tracked as others are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, error, photographed, pose_at, small_room_mesh

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.grey import greyed_bytes
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame

IMAGES = 12


def overexposed(image: np.ndarray, number: int) -> np.ndarray:
    return (2.0 * image).clip(0, 255).astype(np.uint8)


def noisy(image: np.ndarray, number: int) -> np.ndarray:
    noise = np.random.default_rng((30, number)).normal(scale=30, size=image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def framed(image: np.ndarray, number: int) -> np.ndarray:
    """Half of the image is black."""
    out = np.zeros_like(image)
    out[35:-35, 47:-47] = image[35:-35, 47:-47]
    return out


def as_it_is(image: np.ndarray, number: int) -> np.ndarray:
    return image


def tracked(room: SmallRoom, scene: Scene, fault: Callable[[np.ndarray, int], np.ndarray]) -> None:
    tracker = Tracker(scene, Settings())
    tracker.start_at(pose_at(0))
    for number in range(IMAGES):
        image = fault(photographed(room.view(pose_at(number)), number), number)
        estimate = tracker.track(Frame(number * 33_000_000, image, CAMERA))
        assert estimate.trusted, (number, estimate.reason)
        metres, degrees = error(estimate.map_T_camera, pose_at(number))
        assert metres < 0.02
        assert degrees < 0.5


@pytest.mark.parametrize('fault', [overexposed, noisy, framed])
def test_the_camera_is_tracked_through(room: SmallRoom, fault):
    tracked(room, room.scene, fault)


def test_a_grey_mesh_is_tracked_with_a_colour_camera(room: SmallRoom):
    mesh = small_room_mesh()
    grey = replace(mesh, textures=[greyed_bytes(texture) for texture in mesh.textures])
    tracked(room, Scene(grey, 'cpu'), as_it_is)
