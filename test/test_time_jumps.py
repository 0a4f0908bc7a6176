"""Stamps that jump, as when a recording loops or a user seeks in it."""

from pathlib import Path

import numpy as np
import pytest
from mesh_reloc_evaluation.trajectory_errors import WRONG_BEYOND_DEG, WRONG_BEYOND_M
from support.odometers import exactly, motion
from support.patience import LONG_S
from support.relocalizers import Answers, Knows, wait_for_the_search
from support.small_room import CAMERA, SmallRoom, error, looking, photographed, pose_at

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame

START_NS = 1_700_000_000_000_000_000
ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)
BLACK = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)


def shown(room: SmallRoom, s: float, pose: np.ndarray, **others) -> Frame:
    """Return an image [H, W, 3] of a pose, stamped `s` seconds after the first."""
    gain = (others.pop('gain', 1.0),) * 3
    image = photographed(room.view(pose), round(1000 * abs(s)), gain)
    return Frame(START_NS + round(1e9 * s), image, CAMERA, **others)


def tracking(room: SmallRoom, relocalizer: Answers | None = None, **settings) -> Pipeline:
    """Return a pipeline that has tracked a path up to 0.1 s."""
    pipeline = Pipeline(room.scene, build(Settings, settings), relocalizer)
    pipeline.start_at(pose_at(0))
    for s in (0.0, 0.033, 0.066, 0.1):
        assert pipeline.track(shown(room, s, pose_at(30 * s))).trusted
    return pipeline


@pytest.mark.parametrize('jump_s', [20.0, 1e6])
def test_after_a_jump_ahead_tracking_starts_again(room, jump_s):
    pipeline = tracking(room, Answers(None))
    estimate = pipeline.track(shown(room, jump_s, ELSEWHERE))
    assert not estimate.trusted
    assert estimate.state is State.INITIALIZING


@pytest.mark.parametrize(('jump_s', 'images'), [(-0.6, 10), (-30.0, 2), (-1.7e9, 2)])
def test_after_a_jump_back_tracking_starts_again(room, jump_s, images):
    pipeline = tracking(room, Answers(None))
    for number in range(images):
        estimate = pipeline.track(shown(room, jump_s + 0.01 * number, ELSEWHERE))
        is_last = number == images - 1
        assert (estimate.rejection is Rejection.OUT_OF_ORDER) is not is_last
    assert not estimate.trusted
    assert estimate.state is State.INITIALIZING


def test_a_smaller_step_is_no_jump(room):
    pipeline = tracking(room, Answers(None))
    estimate = pipeline.track(shown(room, 4.9, ELSEWHERE))
    assert not estimate.trusted
    assert estimate.state in (State.UNSURE, State.LOST)


def test_the_size_of_a_jump_ahead_is_a_setting(room):
    pipeline = tracking(room, Answers(None), **{'tracking.restart_after': 1.0})
    assert pipeline.track(shown(room, 2.0, ELSEWHERE)).state is State.INITIALIZING
    pipeline = tracking(room, Answers(None))
    pipeline.change(build(Settings, {'tracking.restart_after': 1.0}))
    assert pipeline.track(shown(room, 2.0, ELSEWHERE)).state is State.INITIALIZING


def test_a_long_row_of_rejected_images_is_no_jump(room):
    pipeline = tracking(room, Answers(None))
    for s in range(1, 20):
        frame = Frame(START_NS + s * 10**9, BLACK, CAMERA)
        assert pipeline.track(frame).state in (State.UNSURE, State.LOST)


def test_after_a_jump_ahead_the_last_pose_is_a_start_pose(room):
    """In another light, as exposure and baselines belong to the past."""
    pipeline = tracking(room)
    for s in (0.0, 0.033):
        estimate = pipeline.track(shown(room, 20.0 + s, pose_at(8), gain=0.45))
        assert estimate.trusted
        assert error(estimate.map_T_camera, pose_at(8))[0] < 0.01


def test_a_jump_discards_the_baselines(room):
    """Half of the view is covered: good enough to start, but poor beside earlier images."""
    covered = shown(room, 0.0, pose_at(3))
    covered.image[:, :130] = 90
    # What is in the way is not left out.
    settings = {'tracking.min_inlier_ratio_of_baseline': 0.9, 'tracking.min_visible': 0.9}
    for jump_s, trusted in ((0.033, False), (20.0, True)):
        frame = Frame(START_NS + round(1e9 * (0.1 + jump_s)), covered.image, CAMERA)
        assert tracking(room, **settings).track(frame).trusted is trusted


def test_a_jump_costs_one_search_at_most(room):
    relocalizer = Knows(room.scene)
    pipeline = tracking(room, relocalizer)
    s, jumps = 0.1, ((20.0, ELSEWHERE), (-30.0, pose_at(20)), (3600.0, ELSEWHERE))
    for number, (jump_s, place) in enumerate(jumps, start=1):
        s += jump_s
        for k in range(4):
            frame = shown(room, s + 0.033 * k, place)
            relocalizer.learn(frame.image, place)
            estimate = pipeline.track(frame)
            # After a jump back the first image counts as late.
            assert estimate.trusted or (jump_s < 0 and k == 0)
            if estimate.trusted:
                assert error(estimate.map_T_camera, place)[0] < 0.01
        assert len(relocalizer.hints) <= number


def test_odometry_gives_the_pose_after_a_jump_ahead(room):
    """As when a user seeks in a bag with odometry: no search."""
    for was_reset in (False, True):
        relocalizer = Answers(None)
        pipeline = Pipeline(room.scene, relocalizer=relocalizer)
        pipeline.start_at(pose_at(0))
        for s in (0.0, 0.033):
            frame = shown(room, s, pose_at(30 * s), odom_T_camera=exactly(pose_at(30 * s)))
            assert pipeline.track(frame).trusted
        odom = exactly(ELSEWHERE)
        if was_reset:
            # Odometry of another recording is useless, and must do no harm.
            odom = motion(np.array([500.0, 1.0, 0.0]), np.array([0.0, 100.0, 0.0])) @ odom
        estimate = pipeline.track(shown(room, 20.0, ELSEWHERE, odom_T_camera=odom))
        assert estimate.trusted is not was_reset
        if estimate.trusted:
            assert error(estimate.map_T_camera, ELSEWHERE)[0] < 0.01
        assert len(relocalizer.hints) == was_reset


def test_a_start_pose_that_was_not_trusted_yet_is_kept(room):
    relocalizer = Answers(None)
    pipeline = Pipeline(room.scene, relocalizer=relocalizer)
    spread = np.diag([0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    pipeline.start_at(ELSEWHERE, spread)
    assert not pipeline.track(shown(room, 0.0, pose_at(0))).trusted
    assert not pipeline.track(shown(room, 50.0, pose_at(0))).trusted
    assert len(relocalizer.hints) == 2
    for hint, covariance in zip(relocalizer.hints, relocalizer.covariances, strict=True):
        np.testing.assert_array_equal(hint, ELSEWHERE)
        np.testing.assert_array_equal(covariance, spread)


def test_the_search_of_an_image_from_before_a_jump_is_discarded(room):
    relocalizer = Knows(room.scene)
    with Pipeline(room.scene, relocalizer=relocalizer, background_search=True) as pipeline:
        relocalizer.may_answer.clear()
        before = shown(room, 0.0, pose_at(0))
        relocalizer.learn(before.image, pose_at(0))
        assert not pipeline.track(before).trusted
        assert not pipeline.track(shown(room, 30.0, ELSEWHERE)).trusted
        relocalizer.may_answer.set()
        assert relocalizer.answered.acquire(timeout=LONG_S)
        wait_for_the_search()
        # From the pose of the earlier image, this one would be found.
        assert not pipeline.track(shown(room, 30.1, pose_at(1))).trusted


def test_single_images_from_another_time_do_not_stop_the_tracking(room):
    """As from a driver that sometimes sets no stamp."""
    pipeline = tracking(room)
    for k in range(1, 8):
        is_stamped = k % 3 != 0
        s = 0.1 + 0.033 * k if is_stamped else -START_NS * 1e-9
        estimate = pipeline.track(shown(room, s, pose_at(3 + k)))
        assert estimate.trusted is is_stamped
        if is_stamped:
            assert error(estimate.map_T_camera, pose_at(3 + k))[0] < 0.01


def test_a_real_recording_with_loops_and_seeks(shared_data: Path):
    folder = shared_data / 'redkitchen'
    truth = read_tum(folder / 'clip_groundtruth.tum').poses
    scene = Scene.load(folder / 'mesh.obj')
    relocalizer = Knows(scene)
    with ImageBag(folder / 'clip_bag') as images:
        frames = list(images.frames())
    for frame, pose in zip(frames, truth, strict=True):
        relocalizer.learn(frame.image, pose)
    pipeline = Pipeline(scene, relocalizer=relocalizer)
    pipeline.start_at(truth[0])
    stamp_ns, period_ns = START_NS, 33_000_000
    jumps = ((0, 0), (20, 100), (-30, 10), (-2, 60), (6, 0), (20, 40))
    for jump_s, first in jumps:
        stamp_ns += jump_s * 10**9
        for k in range(6):
            frame = frames[first + k]
            estimate = pipeline.track(Frame(stamp_ns, frame.image, frame.camera))
            pipeline.look_ahead()
            stamp_ns += period_ns
            if estimate.trusted:
                metres, degrees = error(estimate.map_T_camera, truth[first + k])
                assert metres < WRONG_BEYOND_M
                assert degrees < WRONG_BEYOND_DEG
        assert estimate.trusted
    assert len(relocalizer.hints) <= len(jumps) - 1
