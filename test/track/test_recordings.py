"""Real recordings, where they are at hand: the accuracy that is held."""

from pathlib import Path

import numpy as np
from mesh_reloc_evaluation.trajectory_errors import (
    WRONG_BEYOND_DEG,
    WRONG_BEYOND_M,
    pose_errors,
)
from support.small_room import error, perturbed

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.trajectory import Trajectory

# A kitchen, filmed by hand: every image is to be tracked, to within 5 cm and 5 degrees.
KITCHEN_MEDIAN_CM, KITCHEN_MEDIAN_DEG, KITCHEN_P90_CM = 0.45, 0.13, 0.8
KITCHEN_WITHIN_M, KITCHEN_WITHIN_DEG = 0.05, 5.0
# A fountain, photographed from three places: each is to be found from every start. Which points of
# it are aligned depends on the start: of 295 poses found from 300 starts, the median is 0.47 cm off
# and the farthest 1.10 cm and 0.066 deg.
FOUNTAIN_STARTS, FOUNTAIN_OFF_M, FOUNTAIN_OFF_DEG = 4, 0.15, 3.0
FOUNTAIN_MEDIAN_CM, FOUNTAIN_WITHIN_M, FOUNTAIN_WITHIN_DEG = 0.55, 0.013, 0.08


def tracked(tracker: Tracker, bag: Path) -> Trajectory:
    """Return the trusted poses of a bag."""
    with ImageBag(bag) as images:
        estimates = []
        for frame in images.frames():
            estimates.append(tracker.track(frame))
            tracker.look_ahead()
    trusted = [estimate for estimate in estimates if estimate.trusted]
    return Trajectory(
        np.array([estimate.stamp_ns for estimate in trusted]),
        np.array([estimate.map_T_camera for estimate in trusted]).reshape(-1, 4, 4),
    )


def test_a_hand_held_camera_is_followed_through_a_kitchen(shared_data: Path):
    folder = shared_data / 'redkitchen'
    truth = read_tum(folder / 'clip_groundtruth.tum')
    tracker = Tracker(Scene.load(folder / 'mesh.obj'), Settings())
    tracker.start_at(truth.poses[0])
    estimate = tracked(tracker, folder / 'clip_bag')
    metres, degrees = pose_errors(estimate, truth)
    within = (metres < KITCHEN_WITHIN_M) & (degrees < KITCHEN_WITHIN_DEG)
    wrong = (metres > WRONG_BEYOND_M) | (degrees > WRONG_BEYOND_DEG)
    assert within.sum() == len(truth) == 150
    assert not wrong.any()
    assert 100 * np.median(metres) <= KITCHEN_MEDIAN_CM
    assert np.median(degrees) <= KITCHEN_MEDIAN_DEG
    assert 100 * np.percentile(metres, 90) <= KITCHEN_P90_CM


def test_images_of_a_fast_camera_a_third_of_a_second_apart_are_right_or_refused(
    shared_data: Path,
):
    """At three times its speed, 0.9 m/s: renders from where it was expected draw poses away."""
    folder = shared_data / 'redkitchen'
    truth = read_tum(folder / 'clip_groundtruth.tum').poses
    with ImageBag(folder / 'clip_bag') as images:
        frames = list(images.frames())
    tracker = Tracker(Scene.load(folder / 'mesh.obj'), Settings())
    tracker.start_at(truth[21])
    looked = 0
    for number, index in enumerate((21, 51, 81, 111, 141)):
        frame = frames[index]
        stamp_ns = frames[0].stamp_ns + number * 333_333_333
        estimate = tracker.track(Frame(stamp_ns, frame.image, frame.camera))
        tracker.look_ahead()
        looked += 'realignment' in estimate.stages_ms
        if estimate.trusted:
            metres, degrees = error(estimate.map_T_camera, truth[index])
            assert metres < KITCHEN_WITHIN_M
            assert degrees < KITCHEN_WITHIN_DEG
    assert looked >= 2


def test_photographs_of_a_fountain_are_found_from_all_around(shared_data: Path):
    folder = shared_data / 'fountain'
    truth = read_tum(folder / 'holdout_groundtruth.tum')
    tracker = Tracker(Scene.load(folder / 'mesh.obj'), Settings())
    with ImageBag(folder / 'holdout_bag') as images:
        frames = list(images.frames())
    assert len(frames) == len(truth) == 3
    missed, distances = [], []
    for number, (frame, true) in enumerate(zip(frames, truth.poses, strict=True)):
        for seed in range(FOUNTAIN_STARTS):
            start = perturbed(true, seed, FOUNTAIN_OFF_M, FOUNTAIN_OFF_DEG)
            tracker.start_at(start)
            estimate = tracker.track(frame)
            found = Trajectory(np.array([frame.stamp_ns]), estimate.map_T_camera[None])
            metres, degrees = pose_errors(found, Trajectory(found.stamps_ns, true[None]))
            distances.append(metres[0])
            right = metres[0] < FOUNTAIN_WITHIN_M and degrees[0] < FOUNTAIN_WITHIN_DEG
            if not (right and estimate.trusted):
                off = f'{100 * metres[0]:.2f} cm, {degrees[0]:.3f} deg'
                missed.append(f'photograph {number}, start {seed}: {off} {estimate.reason}')
    assert missed == []
    assert 100 * np.median(distances) <= FOUNTAIN_MEDIAN_CM
