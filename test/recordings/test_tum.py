"""Trajectory files in the TUM format."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum, write_tum
from mesh_reloc_ros.types.trajectory import Trajectory


def random_trajectory(count: int, seed: int = 3) -> Trajectory:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, rng).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    stamps = 1_700_000_000_000_000_001 + np.arange(count, dtype=np.int64) * 33_333_333
    return Trajectory(stamps, poses)


def test_a_file_gives_back_what_was_written_to_the_nanosecond(tmp_path):
    written = random_trajectory(20)
    write_tum(tmp_path / 'a.tum', written)
    read = read_tum(tmp_path / 'a.tum')
    assert read.stamps_ns.tolist() == written.stamps_ns.tolist()
    np.testing.assert_allclose(read.poses, written.poses, atol=1e-8)
    assert [path.name for path in tmp_path.iterdir()] == ['a.tum']


def test_comments_are_skipped_and_lines_sorted_by_stamp(tmp_path):
    (tmp_path / 'a.tum').write_text('# stamp pose\n2.5 1 0 0 0 0 0 1\n\n1.25 0 0 0 0 0 0 2 # x\n')
    read = read_tum(tmp_path / 'a.tum')
    assert read.stamps_ns.tolist() == [1_250_000_000, 2_500_000_000]
    np.testing.assert_allclose(read.poses[:, 0, 3], [0, 1])


@pytest.mark.parametrize(
    'line', ['1.0 2 3', 'x 0 0 0 0 0 0 1', '1 0 0 nan 0 0 0 1', 'inf 0 0 0 0 0 0 1']
)
def test_a_line_that_is_not_a_pose_is_named(tmp_path, line):
    (tmp_path / 'a.tum').write_text(f'0 0 0 0 0 0 0 1\n{line}\n')
    with pytest.raises(InputError, match='line 2'):
        read_tum(tmp_path / 'a.tum')
