"""Poses around a hint: how far they reach, how they are spread, and what a hint leads to."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from support.relocalizers import without_views
from support.small_room import CAMERA, SmallRoom, error, perturbed, photographed, pose_at

from mesh_reloc_ros.relocalize._neighbourhood import is_uninformative, sample_poses
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

COUNT = 400
HINT = pose_at(10)


@pytest.fixture(scope='module')
def poses(room: SmallRoom) -> np.ndarray:
    return sample_poses(room.scene, HINT, CAMERA, COUNT)


@pytest.fixture(scope='module')
def relocalizer(room: SmallRoom) -> Relocalizer:
    return without_views(room.scene)


def offsets(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shifts [N, 3] in the map, metres, and rotation vectors [N, 3], degrees."""
    turns = Rotation.from_matrix(HINT[:3, :3].T @ poses[:, :3, :3]).as_rotvec(degrees=True)
    return poses[:, :3, 3] - HINT[:3, 3], turns


def test_the_hint_itself_comes_first_and_all_are_poses(poses: np.ndarray):
    assert poses.shape == (COUNT, 4, 4)
    assert (poses[0] == HINT).all()
    rotations = poses[:, :3, :3]
    assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(
        np.tile(np.eye(3), (COUNT, 1, 1))
    )


@pytest.mark.parametrize('count', [1, 2, 3, 64, 65])
def test_there_are_as_many_as_asked_for(room: SmallRoom, count: int):
    assert len(sample_poses(room.scene, HINT, CAMERA, count)) == count


def test_they_reach_a_third_of_the_distance_and_are_denser_towards_the_hint(
    room: SmallRoom, poses: np.ndarray
):
    depth = float(room.scene.render(torch.from_numpy(HINT), CAMERA).depth.median())
    for vectors, reach in zip(offsets(poses), (0.38 * depth, 28.0), strict=True):
        lengths = np.linalg.norm(vectors, axis=1) / reach
        # The distance is measured on a small view.
        assert 0.9 < lengths.max() < 1.1
        # As many in each quarter of the reach, of which the inner ones are smaller.
        quarters = np.histogram(lengths, bins=(0, 0.25, 0.5, 0.75, 1.1))[0] / COUNT
        assert quarters == pytest.approx([0.25] * 4, abs=0.08)


def test_they_lie_in_all_directions_alike(poses: np.ndarray):
    shifts, turns = offsets(poses)
    for vectors in (shifts, turns):
        octant = (vectors[1:] > 0) @ (1, 2, 4)
        assert np.bincount(octant, minlength=8) / COUNT == pytest.approx([1 / 8] * 8, abs=0.03)
    # Rotation and shift are independent.
    together = np.corrcoef(np.hstack((shifts, turns)).T)[:3, 3:]
    assert abs(together).max() < 0.15


def test_they_are_the_same_every_time(room: SmallRoom, poses: np.ndarray):
    assert (sample_poses(room.scene, HINT, CAMERA, COUNT) == poses).all()


def test_a_hint_that_sees_nothing_reaches_as_far_as_the_mesh_is(room: SmallRoom):
    away = HINT.copy()
    away[:3, :3] = HINT[:3, :3] @ Rotation.from_euler('y', 180, degrees=True).as_matrix()
    away[:3, 3] -= 3 * HINT[:3, 2]
    middle = np.median(room.scene.mesh.vertices, axis=0)
    farthest = np.linalg.norm(
        sample_poses(room.scene, away, CAMERA, COUNT)[:, :3, 3] - away[:3, 3], axis=1
    ).max()
    assert farthest == pytest.approx(0.38 * np.linalg.norm(middle - away[:3, 3]), rel=0.01)


@pytest.mark.parametrize('seed', range(5))
def test_a_hint_leads_to_the_pose_without_views_of_the_map(
    room: SmallRoom, relocalizer: Relocalizer, seed: int
):
    image = photographed(room.view(HINT), seed)
    hint = perturbed(HINT, seed, metres=0.5, degrees=15)
    found = relocalizer.locate(Frame(1, image, CAMERA), InitialPose(hint))
    assert found is not None
    metres, degrees = error(found.pose, HINT)
    assert metres < 0.01
    assert degrees < 0.2


# As RViz sends it: 0.5 m in x and y, 15 degrees about z, and nothing of all else.
RVIZ = np.diag([0.25, 0.25, 0.0, 0.0, 0.0, np.radians(15) ** 2])


def deviations(around: np.ndarray) -> np.ndarray:
    """Return what poses differ by from the hint, [N, 6], m and rad about the map's axes."""
    turns = Rotation.from_matrix(around[:, :3, :3] @ HINT[:3, :3].T).as_rotvec()
    return np.hstack((around[:, :3, 3] - HINT[:3, 3], turns))


def test_with_a_covariance_they_cover_it_and_a_little_in_all_directions(room: SmallRoom):
    around = sample_poses(room.scene, HINT, CAMERA, COUNT, RVIZ)
    assert around.shape == (COUNT, 4, 4)
    assert (around[0] == HINT).all()
    off = deviations(around)[1:]
    sigma = np.sqrt(np.diag(RVIZ))
    known = sigma > 0
    for axis in np.flatnonzero(known):
        # Of a normal distribution cut off at 2.5 sigma, and a little more.
        assert np.std(off[:, axis]) == pytest.approx(sigma[axis], rel=0.15)
        assert 2.2 < abs(off[:, axis]).max() / sigma[axis] < 3.0
        assert abs(off[:, axis].mean()) < 0.1 * sigma[axis]
    depth = float(room.scene.render(torch.from_numpy(HINT), CAMERA).depth.median())
    small = np.array([0.08 * depth] * 3 + [np.radians(5)] * 3)
    assert np.std(off, axis=0)[~known] == pytest.approx(small[~known], rel=0.15)


def test_they_follow_what_a_covariance_says_of_several_axes_together(room: SmallRoom):
    """Half a metre along a diagonal, where a turn goes with the shift."""
    along = np.array([0.35, 0.35, 0.0, 0.0, 0.0, 0.3])
    around = sample_poses(room.scene, HINT, CAMERA, COUNT, np.outer(along, along))
    off = deviations(around)[1:]
    correlation = np.corrcoef(off.T)
    for one, other in ((0, 1), (0, 5), (1, 5)):
        assert correlation[one, other] > 0.5
    assert abs(correlation[2, [0, 1, 5]]).max() < 0.15


def test_a_hint_that_is_certain_is_looked_around_a_little(room: SmallRoom):
    around = sample_poses(room.scene, HINT, CAMERA, COUNT, np.zeros((6, 6)))
    usual = sample_poses(room.scene, HINT, CAMERA, COUNT)
    spread, usual_spread = (np.std(deviations(poses), axis=0) for poses in (around, usual))
    assert (0.3 * usual_spread < spread).all()
    assert (spread < usual_spread).all()


@pytest.mark.parametrize(
    ('metres', 'degrees', 'little'),
    [(0.5, 15, False), (1.0, 50, False), (3.0, 15, True), (0.5, 70, True), (1e6, 1e6, True)],
)
def test_a_covariance_as_wide_as_the_mesh_says_little(room: SmallRoom, metres, degrees, little):
    covariance = np.diag([0, metres**2, 0, 0, 0, np.radians(degrees) ** 2])
    assert is_uninformative(room.scene, covariance) is little


def test_a_covariance_that_says_little_leads_to_the_whole_mesh(
    room: SmallRoom, relocalizer: Relocalizer
):
    image = photographed(room.view(HINT), seed=1)
    assert relocalizer.locate(Frame(1, image, CAMERA), InitialPose(HINT, RVIZ)) is not None
    with pytest.raises(AssertionError, match='needs no features'):
        relocalizer.locate(Frame(1, image, CAMERA), InitialPose(HINT, 100 * RVIZ))


def test_a_hint_farther_off_is_found_by_its_covariance(room: SmallRoom, relocalizer: Relocalizer):
    """1 m and 35 degrees, out of every direction."""
    found = {'with': 0, 'without': 0}
    for seed in range(6):
        image = photographed(room.view(HINT), seed)
        rng = np.random.default_rng(seed)
        hint, angle = HINT.copy(), rng.uniform(0, 2 * np.pi)
        hint[:2, 3] += np.cos(angle), np.sin(angle)
        turn = Rotation.from_euler('z', rng.choice([-35, 35]), degrees=True).as_matrix()
        hint[:3, :3] = turn @ hint[:3, :3]
        for name, covariance in (('with', 4 * RVIZ), ('without', None)):
            answer = relocalizer.locate(Frame(1, image, CAMERA), InitialPose(hint, covariance))
            if answer is not None:
                metres, degrees = error(answer.pose, HINT)
                assert metres < 0.01
                assert degrees < 0.2
                found[name] += 1
    assert found['with'] >= 5
    assert found['with'] > found['without']
