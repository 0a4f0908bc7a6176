from pathlib import Path

import numpy as np
import pytest
from support.small_room import pose_at

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.ros._saved_pose import SavedPose, saved_pose_file

MESH = Path('/site/room.obj')


def test_a_pose_comes_back_in_the_next_run(tmp_path):
    file = tmp_path / 'new/folder/pose.yaml'
    saved = SavedPose(file, MESH, 'map')
    assert saved.read() is None
    saved.take(pose_at(1))
    saved.take(pose_at(2))
    saved.write(0.0)
    np.testing.assert_allclose(SavedPose(file, MESH, 'map').read(), pose_at(2), atol=2e-6)
    assert [path.name for path in file.parent.iterdir()] == ['pose.yaml']


def test_it_is_written_only_so_often_and_only_when_there_is_another(tmp_path):
    saved = SavedPose(tmp_path / 'pose.yaml', MESH, 'map')
    saved.take(pose_at(1))
    saved.write(1000.0)
    saved.take(pose_at(2))
    saved.write(1000.0)
    np.testing.assert_allclose(saved.read(), pose_at(1), atol=2e-6)
    saved.write(0.0)
    np.testing.assert_allclose(saved.read(), pose_at(2), atol=2e-6)
    saved.file.unlink()
    saved.write(0.0)
    assert saved.read() is None


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ('mesh: [', 'cannot be read'),
        ('- 1', 'holds no pose: delete it'),
        ('mesh: /other.obj\nmap_frame: map\npose: [0, 0, 0, 0, 0, 0, 1]', "of mesh '/other.obj'"),
        ('mesh: /site/room.obj\nmap_frame: x\npose: [0, 0, 0, 0, 0, 0, 1]', "of map_frame 'x'"),
        ('mesh: /site/room.obj\nmap_frame: map\npose: [0, 0, a]', 'holds no pose'),
        ('mesh: /site/room.obj\nmap_frame: map\npose: [0, 0, 0, 0, 0, 0, 0]', 'quaternion'),
    ],
)
def test_what_is_no_pose_in_this_mesh_is_refused_with_the_reason(tmp_path, content, reason):
    file = tmp_path / 'pose.yaml'
    file.write_text(content)
    with pytest.raises(InputError, match=reason):
        SavedPose(file, MESH, 'map').read()


def test_a_file_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    (tmp_path / 'file').touch()
    saved = SavedPose(tmp_path / 'file' / 'pose.yaml', MESH, 'map')
    saved.take(pose_at(1))
    with pytest.raises(InputError, match=r'cannot be saved in .*saved_pose_file'):
        saved.write(0.0)


def test_each_node_has_a_file_of_its_own(monkeypatch):
    monkeypatch.setenv('ROS_HOME', '/home/me/ros')
    assert saved_pose_file('', '/left/mesh_reloc') == Path(
        '/home/me/ros/mesh_reloc_ros/left.mesh_reloc.yaml'
    )
    monkeypatch.delenv('ROS_HOME')
    assert saved_pose_file('', '/mesh_reloc') == Path.home() / '.ros/mesh_reloc_ros/mesh_reloc.yaml'
    assert saved_pose_file('~/p.yaml', '/mesh_reloc') == Path.home() / 'p.yaml'
