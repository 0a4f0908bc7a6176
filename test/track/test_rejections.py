"""Poses and cameras that the tracker rejects, or looks at twice."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.following import START_NS, assert_right, path, picture, stamp
from support.meshes import quad
from support.small_room import CAMERA, SmallRoom, clouds, error, looking, perturbed, photographed

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame


def test_a_camera_that_jumps_is_believed_when_the_next_image_agrees(room, tracking):
    """Within what the alignment bridges and beyond what the motion allows."""
    jumped = perturbed(path(165), seed=3, metres=0.2, degrees=3.0)
    estimate = tracking.track(Frame(stamp(165), photographed(room.view(jumped), 1), CAMERA))
    assert not estimate.trusted
    assert estimate.state is State.UNSURE
    assert estimate.rejection is Rejection.INNOVATION
    estimate = tracking.track(Frame(stamp(198), photographed(room.view(jumped), 2), CAMERA))
    assert estimate.trusted
    assert error(estimate.map_T_camera, jumped)[0] < 0.01


def test_a_single_image_from_elsewhere_does_not_move_the_tracker(room, tracking):
    jumped = perturbed(path(165), seed=3, metres=0.12, degrees=4.0)
    other = Frame(stamp(165), photographed(room.view(jumped), 1), CAMERA)
    assert not tracking.track(other).trusted
    for ms in (198, 231):
        estimate = tracking.track(picture(room, ms))
        assert estimate.trusted
        assert_right(estimate, ms)


def test_a_frozen_camera_is_not_believed(room, tracking):
    frozen = picture(room, 132).image
    trusted = [
        tracking.track(Frame(stamp(ms), frozen, CAMERA)).trusted for ms in range(165, 1000, 33)
    ]
    assert not any(trusted[7:])
    estimate = tracking.track(picture(room, 165))
    assert estimate.trusted


def test_another_camera_is_looked_at_twice(room, tracking):
    assert 'realignment' not in tracking.track(picture(room, 165)).stages_ms
    moved = dataclasses.replace(CAMERA, cx=CAMERA.cx + 0.01)
    for ms, looked in ((198, True), (231, False)):
        estimate = tracking.track(dataclasses.replace(picture(room, ms), camera=moved))
        assert estimate.trusted
        assert ('realignment' in estimate.stages_ms) is looked


@pytest.mark.parametrize(('degrees', 'looked'), [(0.5, False), (4.5, True)])
def test_a_pose_far_from_where_it_was_expected_is_looked_at_twice(room, tracker, degrees, looked):
    """Also where the motion allows it: a render of the wrong place may have drawn it there."""
    for ms in (0, 33, 66, 99):
        assert tracker.track(Frame(stamp(ms), photographed(room.view(path(0)), ms), CAMERA)).trusted
    turned = perturbed(path(0), seed=2, metres=0.02, degrees=degrees)
    estimate = tracker.track(Frame(stamp(450), photographed(room.view(turned), 1), CAMERA))
    assert estimate.trusted
    assert ('realignment' in estimate.stages_ms) is looked


def test_a_wrong_focal_length_is_noticed(room, tracker):
    camera = dataclasses.replace(CAMERA, fx=1.06 * CAMERA.fx, fy=1.06 * CAMERA.fy)
    assert tracker.track(picture(room, 0)).trusted
    for ms in (33, 66, 99):
        estimate = tracker.track(dataclasses.replace(picture(room, ms), camera=camera))
        assert not estimate.trusted
    assert estimate.rejection is Rejection.CALIBRATION
    estimate = tracker.track(picture(room, 132))
    assert estimate.trusted
    assert_right(estimate, 132)


def test_a_view_that_does_not_determine_the_pose_is_not_trusted(room):
    """Stripes on a wall: moving along them changes nothing."""
    stripes = np.repeat(clouds(seed=2)[:1], 512, axis=0)
    corners = ((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6))
    scene = Scene(quad(corners, stripes), 'cpu')
    pose = looking((0.0, 0.0, 0.0), 90.0, down_deg=0.0)
    wall = SmallRoom(Path())
    wall.__dict__['scene'] = scene
    tracker = Tracker(scene, Settings())
    tracker.start_at(pose)
    estimate = tracker.track(Frame(START_NS, photographed(wall.view(pose), 1), CAMERA))
    assert not estimate.trusted
    assert estimate.rejection is Rejection.ILL_CONDITIONED
