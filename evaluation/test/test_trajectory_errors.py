"""Errors of a trajectory against a true one."""

import numpy as np
import pytest
from mesh_reloc_evaluation.trajectory_errors import associate, pose_errors, summarize_errors
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types.trajectory import Trajectory


def random_trajectory(count: int, seed: int = 3) -> Trajectory:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, rng).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    stamps = 1_700_000_000_000_000_001 + np.arange(count, dtype=np.int64) * 33_333_333
    return Trajectory(stamps, poses)


def test_errors_are_metres_and_degrees_of_known_offsets():
    truth = random_trajectory(10)
    offset = np.eye(4)
    offset[:3, :3] = Rotation.from_rotvec([0, np.radians(2.0), 0]).as_matrix()
    offset[:3, 3] = [0.03, 0, 0.04]
    metres, degrees = pose_errors(Trajectory(truth.stamps_ns, truth.poses @ offset), truth)
    np.testing.assert_allclose(metres, 0.05, atol=1e-9)
    np.testing.assert_allclose(degrees, 2.0, atol=1e-6)
    figures = summarize_errors(metres, degrees)
    assert figures['median_cm'] == pytest.approx(5.0)
    assert figures['wrong'] == 0


def test_poses_are_paired_by_the_nearest_stamp_within_five_milliseconds():
    truth = random_trajectory(10)
    chosen = [2, 5, 9]
    offsets_ns = [4_000_000, 9_000_000, -4_000_000]
    late = Trajectory(truth.stamps_ns[chosen] + offsets_ns, truth.poses[chosen])
    estimated, true = associate(late, truth)
    assert estimated.stamps_ns.tolist() == late.stamps_ns[[0, 2]].tolist()
    assert true.stamps_ns.tolist() == truth.stamps_ns[[2, 9]].tolist()


@pytest.mark.parametrize('count', [0, 1])
def test_a_truth_of_no_or_one_pose_pairs_with_what_is_there(count):
    truth = random_trajectory(count)
    metres, degrees = pose_errors(random_trajectory(5), truth)
    assert len(metres) == len(degrees) == count


def test_wrong_poses_are_counted_by_distance_or_angle():
    figures = summarize_errors(np.array([0.0, 0.11, 0.0]), np.array([0.0, 0.0, 5.1]))
    assert figures['wrong'] == 2
    assert summarize_errors(np.empty(0), np.empty(0)) == {'poses': 0, 'wrong': 0}
