"""Settings that change while a camera is tracked."""

import dataclasses

import numpy as np
import pytest
from support.relocalizers import Answers
from support.small_room import CAMERA, SmallRoom, clouds, error, perturbed, photographed, pose_at

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame

START_NS = 1_700_000_000_000_000_000
COVERED = clouds(seed=77)


def shown(room: SmallRoom, k: int, covered: bool = False, gain: float = 1.0) -> Frame:
    """Return the k-th image of a path, of which a third may be covered."""
    image = photographed(room.view(pose_at(k)), k, (gain,) * 3)
    if covered:
        image[:, :110] = COVERED[:240, :110]
    return Frame(START_NS + k * 33_000_000, image, CAMERA)


def settings(**values: float) -> Settings:
    return build(Settings, {name.replace('__', '.'): value for name, value in values.items()})


@pytest.fixture
def tracker(room: SmallRoom) -> Tracker:
    return tracked(room)


def tracked(room: SmallRoom) -> Tracker:
    """Return a tracker that has followed the path for five images."""
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(pose_at(0))
    for k in range(5):
        assert tracker.track(shown(room, k)).trusted
        tracker.look_ahead()
    return tracker


def test_the_track_goes_on(room, tracker):
    """Without another realignment, and with the light as it was."""
    for k in range(5, 12):
        tracker.change(
            settings(
                tracking__min_score=0.6 + 0.01 * k,
                tracking__linear_acceleration_noise=1.0 * k,
                alignment__max_points=2000 + 100 * k,
                alignment__finest_level=k % 2,
            )
        )
        estimate = tracker.track(shown(room, k))
        assert estimate.trusted
        assert estimate.state is State.TRACKING
        assert 'realignment' not in estimate.stages_ms
        assert error(estimate.map_T_camera, pose_at(k))[0] < 0.02
        tracker.look_ahead()


LIMITS = [
    (Rejection.LOW_INLIER_RATIO, {'tracking__min_inlier_ratio': 0.9}),
    (Rejection.LOW_INLIER_RATIO, {'tracking__min_inlier_ratio_of_baseline': 0.95}),
    (Rejection.LOW_SCORE, {'tracking__min_score': 0.999}),
    (Rejection.ILL_CONDITIONED, {'tracking__max_position_sigma': 1e-4}),
    (
        Rejection.INNOVATION,
        {
            'tracking__innovation_gate': 1.0,
            'tracking__linear_acceleration_noise': 1e-3,
            'tracking__angular_acceleration_noise': 1e-3,
        },
    ),
]


@pytest.mark.parametrize(('rejection', 'values'), LIMITS)
def test_a_limit_acts_at_once_and_so_does_its_return(room, tracker, rejection, values):
    tracker.change(settings(**values))
    refused = [tracker.track(shown(room, k, covered=True)) for k in (5, 6, 7)]
    assert not refused[0].trusted or rejection is Rejection.INNOVATION
    assert any(estimate.rejection is rejection for estimate in refused)
    tracker.change(Settings())
    estimate = tracker.track(shown(room, 8))
    assert estimate.trusted
    assert error(estimate.map_T_camera, pose_at(8))[0] < 0.01


def test_the_motion_goes_by_the_new_settings(room):
    """A shake that a hand makes is more than a machine does."""
    shaken = perturbed(pose_at(5), seed=3, metres=0.07, degrees=1.0)
    image = photographed(room.view(shaken), seed=5)
    for noise, trusted in ((1e-3, False), (20.0, True)):
        tracker = tracked(room)
        tracker.change(
            settings(
                tracking__linear_acceleration_noise=noise,
                tracking__angular_acceleration_noise=noise,
            )
        )
        assert tracker.track(Frame(shown(room, 5).stamp_ns, image, CAMERA)).trusted is trusted


def test_a_realignment_goes_by_the_new_settings(room, tracker):
    tracker.change(settings(tracking__max_realignment_distance=1e-4))
    image = shown(room, 4, covered=True).image
    # Later than the motion goes on by itself, so that there is a realignment.
    estimate = tracker.track(Frame(shown(room, 30).stamp_ns, image, CAMERA))
    assert estimate.rejection is Rejection.REALIGNMENT


def test_a_focal_length_is_judged_by_the_new_settings_and_the_old_evidence(room):
    camera = dataclasses.replace(CAMERA, fx=1.06 * CAMERA.fx, fy=1.06 * CAMERA.fy)
    tracker = Tracker(room.scene, settings(tracking__max_focal_error=1.0))
    tracker.start_at(pose_at(0))
    for k in range(4):
        estimate = tracker.track(dataclasses.replace(shown(room, k), camera=camera))
        assert estimate.trusted
    tracker.change(settings(alignment__max_points=3000))
    estimate = tracker.track(dataclasses.replace(shown(room, 4), camera=camera))
    assert estimate.rejection is Rejection.CALIBRATION
    assert 'realignment' not in estimate.stages_ms


def test_how_long_an_image_may_come_again_changes(room, tracker):
    for longest, expected in ((0.01, Rejection.FROZEN_IMAGE), (0.2, None)):
        tracker.change(settings(tracking__frozen_image_timeout=longest))
        frozen = Frame(shown(room, 5).stamp_ns, shown(room, 4).image, CAMERA)
        assert tracker.track(frozen).rejection is expected


def test_the_mesh_is_rendered_again_only_if_the_alignment_changes(room, tracker, renders):
    frames = shown(room, 5), shown(room, 6)
    renders.clear()
    tracker.change(settings(tracking__min_score=0.6))
    assert tracker.track(frames[0]).trusted
    assert not renders
    tracker.change(settings(alignment__max_points=1000))
    assert tracker.track(frames[1]).trusted
    assert len(renders) == 1


def test_device_rasterizer_solver_and_search_stay(room, tracker):
    tracker.change(build(Settings, {'solver': 'adam', 'adam.iterations': 1, 'device': 'cuda'}))
    estimate = tracker.track(shown(room, 5))
    assert estimate.trusted
    assert estimate.iterations > 1


def test_settings_may_change_before_the_first_image_and_while_searching(room):
    relocalizer = Answers(None)
    tracker = Tracker(room.scene, Settings(), Search(relocalizer, background=False))
    tracker.change(settings(tracking__search_period=10.0))
    for k in range(0, 60, 20):
        assert not tracker.track(shown(room, k)).trusted
    assert len(relocalizer.hints) == 1
    tracker.change(settings(tracking__search_period=0.3, tracking__lost_after=20))
    tracker.track(shown(room, 60))
    assert len(relocalizer.hints) == 2


def test_changing_by_itself_changes_nothing(room):
    """Every number comes out as before."""
    poses = []
    for changes in (False, True):
        tracker = Tracker(room.scene, Settings())
        tracker.start_at(pose_at(0))
        for k in range(6):
            if changes:
                tracker.change(Settings())
            estimate = tracker.track(shown(room, k))
            tracker.look_ahead()
        poses.append(estimate.map_T_camera)
    np.testing.assert_array_equal(*poses)
