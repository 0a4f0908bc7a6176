"""A camera is tracked through hard shadows, also as they appear and go."""

import pytest
from mesh_reloc_evaluation.stress import shadow_faults
from support.shadows import in_shadows
from support.small_room import SmallRoom, error, photographed, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame

IMAGES = 10


@pytest.mark.parametrize('share', [0.6, 0.75])
@pytest.mark.parametrize('pattern', [shadow_faults.blinds, shadow_faults.leaves])
def test_every_pose_in_shadows_is_published(room: SmallRoom, pattern, share):
    sequence = in_shadows(room, IMAGES, pattern, share)
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(sequence.poses[0])
    follow(tracker, sequence.frames)


def test_shadows_may_come_and_go(room: SmallRoom):
    sequence = in_shadows(room, IMAGES, shadow_faults.lattice, 0.75)
    frames = list(sequence.frames)
    for number in (*range(4), *range(7, IMAGES)):
        image = photographed(room.view(pose_at(number)), number)
        frames[number] = Frame(frames[number].stamp_ns, image, frames[number].camera)
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(sequence.poses[0])
    follow(tracker, frames)


def follow(tracker: Tracker, frames: list[Frame]) -> None:
    for number, frame in enumerate(frames):
        estimate = tracker.track(frame)
        assert estimate.trusted, (number, estimate.reason)
        metres, degrees = error(estimate.map_T_camera, pose_at(number))
        assert metres < 0.02
        assert degrees < 0.5
        tracker.look_ahead()
