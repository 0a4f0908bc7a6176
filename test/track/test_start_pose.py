"""Start poses with a covariance: what is refused, and what becomes of it."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.relocalizers import Answers, Knows, without_views
from support.small_room import CAMERA, SmallRoom, error, looking, photographed, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.track._prediction import motion_from_pose
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import about_camera_axes, about_map_axes

START_NS = 1_700_000_000_000_000_000
# As RViz sends it: 0.5 m in x and y, 15 degrees of yaw, and nothing of all else.
RVIZ = np.diag([0.25, 0.25, 0.0, 0.0, 0.0, np.radians(15) ** 2])
ELSEWHERE = looking((0.5, -0.5, 1.5), heading_deg=300.0, down_deg=10.0)


def picture(room: SmallRoom, ms: int, pose: np.ndarray) -> Frame:
    return Frame(START_NS + ms * 1_000_000, photographed(room.view(pose), ms), CAMERA)


@pytest.mark.parametrize('covariance', [RVIZ, np.zeros((6, 6)), np.full((6, 6), 0.1), None])
def test_a_covariance_is_taken(covariance):
    InitialPose(np.eye(4), covariance)


def changed(row: int, column: int, value: float) -> np.ndarray:
    covariance = RVIZ.copy()
    covariance[row, column] = value
    return covariance


@pytest.mark.parametrize(
    ('covariance', 'words'),
    [
        (np.eye(3), 'not a finite 6x6'),
        (np.ones(36), 'not a finite 6x6'),
        (changed(2, 2, np.nan), 'not a finite 6x6'),
        (changed(0, 0, np.inf), 'not a finite 6x6'),
        (changed(0, 1, 0.1), 'not symmetric'),
        (changed(3, 3, -0.01), 'negative'),
        (changed(0, 1, 0.3) + changed(1, 0, 0.3) - RVIZ, 'negative'),
    ],
)
def test_what_is_no_covariance_is_refused_in_one_line(room, covariance, words):
    tracker = Tracker(room.scene, Settings())
    tracker.start_at(pose_at(0))
    with pytest.raises(InputError, match=words) as refused:
        tracker.start_at(ELSEWHERE, covariance)
    assert '\n' not in str(refused.value)
    # The start before still counts.
    assert tracker.track(picture(room, 0, pose_at(0))).trusted


def test_the_filter_begins_with_it_about_the_axes_of_the_camera(room):
    pose = ELSEWHERE
    mixing = np.random.default_rng(3).normal(size=(6, 6))
    covariance = mixing @ mixing.T
    frame = picture(room, 0, pose)
    motion = motion_from_pose(InitialPose(pose, covariance), frame)
    np.testing.assert_allclose(about_map_axes(motion.covariance, pose), covariance, rtol=1e-9)
    np.testing.assert_allclose(motion.covariance, about_camera_axes(covariance, pose))
    direction = pose[:3, 2]
    assert motion.covariance[2, 2] == pytest.approx(direction @ covariance[:3, :3] @ direction)


def test_a_pose_that_is_good_enough_needs_no_search(room):
    relocalizer = Answers(None)
    tracker = Tracker(room.scene, Settings(), Search(relocalizer, background=False))
    tracker.start_at(pose_at(3), RVIZ)
    assert tracker.track(picture(room, 0, pose_at(0))).trusted
    assert relocalizer.hints == []


@pytest.mark.parametrize('covariance', [RVIZ, None])
def test_a_search_is_as_wide_as_the_start_is_uncertain_until_a_pose_is_trusted(room, covariance):
    relocalizer = Knows(room.scene)
    tracker = Tracker(room.scene, Settings(), Search(relocalizer, background=False))
    tracker.start_at(ELSEWHERE, covariance)
    for ms in (0, 400, 800):
        assert not tracker.track(picture(room, ms, pose_at(0))).trusted
    assert [hint is None for hint in relocalizer.hints] == [False, True, False]
    np.testing.assert_array_equal(relocalizer.hints[0], ELSEWHERE)
    for given in relocalizer.covariances[::2]:
        assert given is None if covariance is None else (given == covariance).all()
    known = picture(room, 1200, pose_at(0))
    relocalizer.learn(known.image, pose_at(0))
    assert tracker.track(known).trusted
    # Lost later on, the camera is somewhere near: how far off the start was does not matter.
    relocalizer.covariances.clear()
    relocalizer.hints.clear()
    for ms in range(1300, 3000, 200):
        frame = Frame(START_NS + ms * 1_000_000, room.view(ELSEWHERE), CAMERA)
        assert not tracker.track(frame).trusted
    assert any(hint is not None for hint in relocalizer.hints)
    assert all(given is None for given in relocalizer.covariances)


def test_starts_as_uncertain_as_by_rviz_lead_to_the_pose_in_the_first_image(room):
    """Without a view of the whole mesh."""
    relocalizer = without_views(room.scene)
    rng = np.random.default_rng(5)
    for ms in range(5):
        start = pose_at(10)
        start[:2, 3] += rng.normal(scale=0.5, size=2)
        turn = Rotation.from_euler('z', rng.normal(scale=15), degrees=True).as_matrix()
        start[:3, :3] = turn @ start[:3, :3]
        tracker = Tracker(room.scene, Settings(), Search(relocalizer, background=False))
        tracker.start_at(start, RVIZ)
        estimate = tracker.track(picture(room, ms, pose_at(10)))
        assert estimate.trusted
        assert error(estimate.map_T_camera, pose_at(10))[0] < 0.01
