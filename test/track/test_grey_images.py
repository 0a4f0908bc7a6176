"""Images without colours, of a mesh whose colours say more than their brightness."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.small_room import CAMERA, SmallRoom, error, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame


@pytest.fixture
def scene(room: SmallRoom) -> Scene:
    return Scene.load(room.mesh, device='cpu')


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def frame(room: SmallRoom, number: int, in_colour: bool) -> Frame:
    view = room.view(pose_at(number))
    return Frame(1 + number * 33_000_000, view if in_colour else grey(view), CAMERA)


def test_they_are_tracked_and_so_are_colours_in_between(scene: Scene, room: SmallRoom):
    tracker = Tracker(scene, Settings())
    tracker.start_at(pose_at(0.3))
    for number in range(12):
        estimate = tracker.track(frame(room, number, in_colour=number in range(4, 8)))
        tracker.look_ahead()
        assert estimate.trusted, (number, estimate.reason)
        assert error(estimate.map_T_camera, pose_at(number))[0] < 0.01


def test_the_camera_is_found_by_them(scene: Scene, room: SmallRoom):
    settings = Settings(
        relocalization=RelocalizationSettings(viewpoint_spacing=1.0, max_memory=2.1, cache=False)
    )
    relocalizer = make_relocalizer(scene, settings.relocalization, settings.alignment, None)
    tracker = Tracker(scene, settings, Search(relocalizer, background=False))
    for in_colour in (False, True):
        tracker.start_anywhere()
        estimate = tracker.track(frame(room, 0, in_colour))
        assert estimate.trusted, (in_colour, estimate.reason)
        assert error(estimate.map_T_camera, pose_at(0))[0] < 0.01
