"""Each match votes for a pose; what many agree with is found among many wrong ones."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.small_room import CAMERA, error, perturbed, pose_at

from mesh_reloc_ros.relocalize._pose_votes import Matches, VotedPose, vote, voted_poses
from mesh_reloc_ros.relocalize.features import unit_rays

TRUTH = pose_at(7)
# Poses with fewer inliers are not aligned.
LEAST = 6


def world(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels [N, 2] and points [N, 3] that the camera sees there."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform((5, 5), (CAMERA.width - 5, CAMERA.height - 5), (count, 2))
    ways = rng.uniform(1.5, 4.0, (count, 1))
    return pixels, unit_rays(pixels, CAMERA) * ways @ TRUTH[:3, :3].T + TRUTH[:3, 3]


def views_of(points: np.ndarray, seed: int, degrees: float, metres: float) -> np.ndarray:
    """Return poses [N, 4, 4] near the camera, rolled in any way, from which points are seen."""
    rng = np.random.default_rng(seed)
    poses = np.stack([perturbed(TRUTH, seed + i, metres, degrees) for i in range(len(points))])
    roll = Rotation.from_euler('z', rng.uniform(-np.pi, np.pi, (len(points), 1))).as_matrix()
    poses[:, :3, :3] = poses[:, :3, :3] @ roll
    return poses


def right_matches(
    count: int, seed: int, degrees: float = 15.0, metres: float = 0.4, noise: float = 0.5
) -> Matches:
    """Return matches with the sizes and angles that an upright disc facing both cameras has.

    :param noise: of the pixels, standard deviation.
    """
    pixels, points = world(count, seed)
    views = views_of(points, seed, degrees, metres)
    way = np.linalg.norm(points - TRUTH[:3, 3], axis=1)
    before = np.linalg.norm(points - views[:, :3, 3], axis=1)
    # The angle of the same direction on the disc, in both images.
    seen = pixels + np.random.default_rng(seed).normal(scale=noise, size=pixels.shape)
    roll = _roll(TRUTH[None], views)
    return matches_of(seen, points, before / way, roll, views)


def _roll(map_T_camera: np.ndarray, map_T_view: np.ndarray) -> np.ndarray:
    """Return by how much cameras are rolled, apart from where they look, radians [N]."""
    relative = map_T_camera[:, :3, :3].transpose(0, 2, 1) @ map_T_view[:, :3, :3]
    return np.arctan2(relative[:, 1, 0] - relative[:, 0, 1], relative[:, 0, 0] + relative[:, 1, 1])


def wrong_matches(count: int, seed: int) -> Matches:
    """Return matches of any pixels with any points of a room, seen from anywhere in it."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform((0, 0), (CAMERA.width, CAMERA.height), (count, 2))
    views = np.tile(np.eye(4), (count, 1, 1))
    views[:, :3, :3] = Rotation.random(count, random_state=seed).as_matrix()
    views[:, :3, 3] = rng.uniform((-2, -2, 0), (2, 2, 3), (count, 3))
    ahead = unit_rays(rng.uniform((0, 0), (320, 240), (count, 2)), CAMERA)
    points = views[:, :3, 3] + rng.uniform(1, 4, (count, 1)) * np.einsum(
        'nij,nj->ni', views[:, :3, :3], ahead
    )
    growth = np.exp(rng.normal(scale=0.5, size=count))
    return matches_of(pixels, points, growth, rng.uniform(-np.pi, np.pi, count), views)


def matches_of(pixels, points, growth, roll, views) -> Matches:
    votes, distances = vote(unit_rays(pixels, CAMERA), growth, roll, views, points)
    return Matches(CAMERA, pixels, points, np.ones(len(pixels)), votes, distances)


def joined(one: Matches, other: Matches) -> Matches:
    names = ('pixels', 'points', 'weights', 'votes', 'distances')
    parts = (np.concatenate((getattr(one, name), getattr(other, name))) for name in names)
    return Matches(CAMERA, *parts)


def assert_found(found: list[VotedPose], least: int) -> None:
    metres, degrees = error(found[0].map_T_camera, TRUTH)
    assert metres < 0.05
    assert degrees < 1.0
    assert found[0].inliers >= least
    assert 1.5 < found[0].distance < 4.0


def test_a_match_seen_from_the_same_place_votes_for_the_true_pose():
    """The size and the angle tell distance and roll; the ray tells the rest."""
    pixels, points = world(50, seed=1)
    views = np.stack([TRUTH] * 50)
    roll = np.random.default_rng(4).uniform(-3, 3, 50)
    views[:, :3, :3] = views[:, :3, :3] @ Rotation.from_euler('z', -roll[:, None]).as_matrix()
    # The view is rolled by -roll, so the angle in it is larger by roll.
    votes, distances = vote(unit_rays(pixels, CAMERA), np.ones(50), -roll, views, points)
    assert votes[:, 3] == pytest.approx(np.tile((0, 0, 0, 1), (50, 1)))
    for pose in votes:
        metres, degrees = error(pose, TRUTH)
        assert metres < 1e-6
        assert degrees < 1e-4
    assert distances == pytest.approx(np.linalg.norm(points - TRUTH[:3, 3], axis=1))


def test_a_size_tells_the_distance():
    pixels, points = world(20, seed=2)
    rays = unit_rays(pixels, CAMERA)
    back = np.stack([TRUTH] * 20)
    # Half as far away, towards the point: seen twice as large from there.
    back[:, :3, 3] = (TRUTH[:3, 3] + points) / 2
    votes, distances = vote(rays, np.full(20, 0.5), np.zeros(20), back, points)
    for pose in votes:
        metres, degrees = error(pose, TRUTH)
        assert metres < 1e-6
        assert degrees < 1e-4
    assert distances == pytest.approx(np.linalg.norm(points - TRUTH[:3, 3], axis=1))


@pytest.mark.parametrize('seed', range(3))
def test_every_vote_lies_near_the_true_pose_and_sees_its_point_in_its_pixel(seed: int):
    matches = right_matches(100, seed, noise=0.0)
    errors = np.array([error(pose, TRUTH) for pose in matches.votes])
    # The views are this far off as well.
    assert np.median(errors[:, 0]) < 1.0
    assert np.median(errors[:, 1]) < 25.0
    for pose, point, pixel in zip(matches.votes, matches.points, matches.pixels, strict=True):
        x, y, z = (point - pose[:3, 3]) @ pose[:3, :3]
        seen = (CAMERA.fx * x / z + CAMERA.cx, CAMERA.fy * y / z + CAMERA.cy)
        assert seen == pytest.approx(pixel, abs=1e-6)


@pytest.mark.parametrize('seed', range(5))
def test_the_pose_is_found_among_19_wrong_matches_for_each_right_one(seed: int):
    matches = joined(right_matches(100, seed), wrong_matches(1900, seed))
    found = voted_poses(matches, 4)
    assert_found(found, 40)
    assert all(pose.inliers < 0.3 * found[0].inliers for pose in found[1:])


@pytest.mark.parametrize('seed', range(5))
def test_a_few_right_matches_are_enough(seed: int):
    matches = joined(right_matches(20, seed, 5.0, 0.1), wrong_matches(1000, seed))
    assert_found(voted_poses(matches, 4), 10)


@pytest.mark.parametrize('seed', range(5))
def test_few_wrong_matches_agree_by_chance(seed: int):
    for count in (0, 1, 3, 1000):
        for pose in voted_poses(wrong_matches(count, seed), 4):
            assert pose.inliers < LEAST


def test_features_at_one_place_count_once():
    """A dozen matches of one pixel and one point say no more than one."""
    spread = right_matches(30, seed=3)
    many = right_matches(1, seed=5, noise=0.0).of(np.zeros(12, dtype=np.int64))
    alone, together = voted_poses(spread, 1)[0], voted_poses(joined(spread, many), 1)[0]
    assert 10 < together.inliers <= alone.inliers + 1


def test_no_more_are_returned_than_asked_for_and_the_best_first():
    other = right_matches(60, seed=8)
    moved = perturbed(np.eye(4), 3, metres=3.0, degrees=90.0)
    elsewhere = matches_like(other.of(np.arange(40)), moved)
    found = voted_poses(joined(other, elsewhere), 4)
    assert_found(found, 30)
    assert error(found[1].map_T_camera, moved @ TRUTH)[0] < 0.1
    assert len(voted_poses(joined(other, elsewhere), 1)) == 1


@pytest.mark.parametrize('seed', range(5))
def test_the_pose_is_found_beside_one_that_is_off_by_a_window_and_has_more_inliers(seed: int):
    right = right_matches(40, seed, 5.0, 0.1)
    window = perturbed(np.eye(4), seed, metres=0.3, degrees=0.0)
    shifted = matches_like(right_matches(60, seed + 50, 5.0, 0.1), window)
    matches = joined(joined(right, shifted), wrong_matches(1000, seed))
    found = voted_poses(matches, 4)
    errors = [error(pose.map_T_camera, TRUTH)[0] for pose in found]
    assert errors[0] == pytest.approx(0.3, abs=0.05)
    assert min(errors) < 0.05


def matches_like(matches: Matches, moved: np.ndarray) -> Matches:
    """Return matches of the same pixels with points that lie elsewhere in the map."""
    points = matches.points @ moved[:3, :3].T + moved[:3, 3]
    votes = moved @ matches.votes
    return Matches(CAMERA, matches.pixels, points, matches.weights, votes, matches.distances)
