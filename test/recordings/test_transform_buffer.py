"""Lookups of transforms without ROS, held to those of tf2."""

import numpy as np
import pytest
from numpy.typing import NDArray
from rclpy.time import Time
from scipy.spatial.transform import Rotation
from tf2_ros import Buffer, TransformException

from mesh_reloc_ros.recordings._transform_buffer import TransformBuffer, TransformError
from mesh_reloc_ros.ros.conversions import transform_from_pose

S = 10**9
BEGIN_NS = 1_700_000_000 * S


def random_pose(rng: np.random.Generator) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    pose[:3, 3] = rng.normal(size=3)
    return pose


class Both:
    """The buffer under test and that of tf2, with the same transforms."""

    def __init__(self) -> None:
        self.ours, self.theirs = TransformBuffer(), Buffer()

    def add(self, stamp_ns: int, parent: str, child: str, pose: NDArray[np.float64]) -> None:
        self.ours.add(stamp_ns, parent, child, pose)
        self.theirs.set_transform(transform_from_pose(pose, stamp_ns, parent, child), 'test')

    def add_static(self, parent: str, child: str, pose: NDArray[np.float64]) -> None:
        self.ours.add_static(parent, child, pose)
        self.theirs.set_transform_static(transform_from_pose(pose, 0, parent, child), 'test')

    def compare(self, target: str, source: str, stamp_ns: int) -> bool:
        """Check that both find the same; return whether they find something."""
        try:
            found = self.theirs.lookup_transform(target, source, Time(nanoseconds=stamp_ns))
        except TransformException:
            with pytest.raises(TransformError):
                self.ours.lookup(target, source, stamp_ns)
            return False
        t, q = found.transform.translation, found.transform.rotation
        pose = self.ours.lookup(target, source, stamp_ns)
        np.testing.assert_allclose(pose[:3, 3], (t.x, t.y, t.z), atol=1e-9)
        expected = Rotation.from_quat((q.x, q.y, q.z, q.w)).as_matrix()
        np.testing.assert_allclose(pose[:3, :3], expected, atol=1e-9)
        return True


@pytest.mark.parametrize('seed', range(8))
def test_in_random_trees_every_lookup_is_that_of_tf2(seed):
    rng = np.random.default_rng(seed)
    both, frames = Both(), ['f0', 'apart']
    for number in range(1, 7):
        parent, child = frames[rng.choice([n for n in range(len(frames)) if n != 1])], f'f{number}'
        frames.append(child)
        if rng.random() < 0.3:
            both.add_static(parent, child, random_pose(rng))
            continue
        # At other rates, over other times, and in any order.
        begin, end = sorted(rng.integers(0, 3 * S, 2))
        for offset in rng.permutation(np.linspace(begin, end, rng.integers(1, 9)).astype(int)):
            both.add(BEGIN_NS + int(offset), parent, child, random_pose(rng))
    found = 0
    for _ in range(400):
        target, source = rng.choice(frames, 2)
        found += both.compare(target, source, BEGIN_NS + int(rng.integers(0, 3 * S)))
    assert found > 20


def test_a_stamp_that_was_received_is_found_exactly():
    rng, both = np.random.default_rng(1), Both()
    poses = {BEGIN_NS + n * S: random_pose(rng) for n in range(3)}
    for stamp, pose in poses.items():
        both.add(stamp, 'odom', 'camera', pose)
    for stamp, pose in poses.items():
        np.testing.assert_allclose(both.ours.lookup('odom', 'camera', stamp), pose, atol=1e-12)
        assert both.compare('odom', 'camera', stamp)
        assert both.compare('camera', 'odom', stamp)


def test_ten_seconds_are_kept():
    rng, both = np.random.default_rng(2), Both()
    for n in range(300):
        both.add(BEGIN_NS + n * S // 10, 'odom', 'camera', random_pose(rng))
    # An old one is not taken any more.
    both.add(BEGIN_NS, 'odom', 'camera', random_pose(rng))
    assert [both.compare('odom', 'camera', BEGIN_NS + n * S) for n in (0, 15, 22, 29, 30)] == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_a_frame_that_is_moved_to_another_parent_is_not_interpolated():
    rng, both = np.random.default_rng(3), Both()
    both.add(BEGIN_NS, 'a', 'c', random_pose(rng))
    both.add(BEGIN_NS + S, 'b', 'c', random_pose(rng))
    both.add_static('a', 'b', random_pose(rng))
    assert both.compare('a', 'c', BEGIN_NS + S // 2)


def test_after_clearing_only_static_transforms_are_left():
    buffer, pose = TransformBuffer(), random_pose(np.random.default_rng(4))
    buffer.add_static('base', 'camera', pose)
    buffer.add(BEGIN_NS, 'odom', 'base', pose)
    np.testing.assert_allclose(buffer.lookup('odom', 'camera', BEGIN_NS), pose @ pose)
    buffer.clear()
    np.testing.assert_allclose(buffer.lookup('base', 'camera', BEGIN_NS), pose)
    with pytest.raises(TransformError, match='not in one tree'):
        buffer.lookup('odom', 'camera', BEGIN_NS)


def test_the_reason_of_a_failure_names_the_frame():
    buffer, pose = TransformBuffer(), np.eye(4)
    buffer.add(BEGIN_NS, 'odom', 'base', pose)
    buffer.add_static('base', 'camera', pose)
    with pytest.raises(TransformError, match='base has no transform at the stamp 1700000001'):
        buffer.lookup('odom', 'camera', BEGIN_NS + S)
    with pytest.raises(TransformError, match='camera and map are not in one tree'):
        buffer.lookup('map', 'camera', BEGIN_NS)


def test_a_loop_of_frames_ends_with_a_reason():
    buffer, pose = TransformBuffer(), np.eye(4)
    buffer.add_static('a', 'b', pose)
    buffer.add_static('b', 'a', pose)
    with pytest.raises(TransformError, match='loop'):
        buffer.lookup('map', 'b', BEGIN_NS)
