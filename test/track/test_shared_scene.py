"""Threads that share one scene get the same results as when each is alone."""

import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from support.following import path, picture
from support.patience import LONG_S
from support.small_room import CAMERA, SmallRoom, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame

SETTINGS = Settings(
    relocalization=RelocalizationSettings(viewpoint_spacing=1.0, max_memory=2.1, cache=False)
)


def in_grey(frame: Frame) -> Frame:
    grey = cv2.cvtColor(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return Frame(frame.stamp_ns, grey, frame.camera)


@pytest.fixture(scope='module')
def jobs(room: SmallRoom) -> dict[str, Callable[[], list[np.ndarray]]]:
    """Return what the threads do: each job returns arrays that do not depend on the others."""
    scene = room.scene
    coloured = [picture(room, ms) for ms in range(0, 250, 33)]
    grey = [in_grey(frame) for frame in coloured]

    def render() -> list[np.ndarray]:
        """Render in grey and in colour by turns."""
        pose = torch.from_numpy(np.stack([pose_at(k) for k in range(4)]))
        return [scene.render(pose, CAMERA, grey=k % 2 == 0).colour.numpy() for k in range(16)]

    def search() -> list[np.ndarray]:
        """Find a colour image without a prior pose, then track."""
        relocalizer = make_relocalizer(scene, SETTINGS.relocalization, SETTINGS.alignment, None)
        return follow(Tracker(scene, SETTINGS, Search(relocalizer, background=False)), coloured)

    def track() -> list[np.ndarray]:
        """Track grey images from a start pose."""
        tracker = Tracker(scene, SETTINGS)
        tracker.start_at(path(0))
        return follow(tracker, grey)

    return {'render': render, 'search': search, 'track': track}


def follow(tracker: Tracker, frames: list[Frame]) -> list[np.ndarray]:
    poses = []
    for frame in frames:
        estimate = tracker.track(frame)
        assert estimate.trusted, estimate.reason
        tracker.look_ahead()
        poses.append(estimate.map_T_camera)
    return poses


def test_three_threads_that_share_a_scene_find_what_each_finds_alone(jobs):
    alone = {name: job() for name, job in jobs.items()}
    shared: dict[str, list[np.ndarray]] = {}
    barrier = threading.Barrier(len(jobs))

    def run(name: str) -> None:
        barrier.wait(LONG_S)
        shared[name] = jobs[name]()

    threads = [threading.Thread(target=run, args=(name,)) for name in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.keys() == alone.keys()
    for name, results in alone.items():
        for one, other in zip(results, shared[name], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)
