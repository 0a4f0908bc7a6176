"""Trackers in the small room, and what they render."""

import inspect

import numpy as np
import pytest
from support.following import path, picture
from support.relocalizers import Knows
from support.small_room import SmallRoom

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker


@pytest.fixture
def tracker(room: SmallRoom) -> Tracker:
    """Return a tracker that is to begin at time 0."""
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(path(0))
    return tracker


@pytest.fixture
def tracking(room: SmallRoom, tracker: Tracker) -> Tracker:
    """Return a tracker that has followed the path for 132 ms."""
    for ms in (0, 33, 66, 99, 132):
        assert tracker.track(picture(room, ms)).trusted
    return tracker


@pytest.fixture
def renders(monkeypatch) -> list[np.ndarray]:
    """Return the poses [4, 4] that whole views are rendered from, as that happens."""
    rendered = []
    render = Scene.render

    def spy(*arguments, **options):
        given = inspect.signature(render).bind(*arguments, **options).arguments
        if given.get('pixels') is None:
            rendered.extend(given['map_T_camera'].reshape(-1, 4, 4).numpy())
        return render(*arguments, **options)

    monkeypatch.setattr(Scene, 'render', spy)
    return rendered


@pytest.fixture
def relocalizer(room: SmallRoom) -> Knows:
    return Knows(room.scene)
