"""Cameras of a reconstruction: the same from all formats."""

import struct
from pathlib import Path

import numpy as np
import pytest
from support.small_room import looking, pose_at

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.reference_cameras import read_reference_cameras
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.relocalize._viewpoints import mean_up
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

POSES = np.array([pose_at(step) for step in (0, 20, 40)])


def colmap_numbers(pose: np.ndarray) -> tuple[float, ...]:
    """Return qw qx qy qz tx ty tz, of the map in the camera."""
    tx, ty, tz, qx, qy, qz, qw = pose_to_numbers(np.linalg.inv(pose))
    return qw, qx, qy, qz, tx, ty, tz


def write_text(path: Path) -> None:
    lines = ['# Image list', '#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME']
    for number, pose in enumerate(POSES):
        numbers = ' '.join(f'{value:.12g}' for value in colmap_numbers(pose))
        lines += [f'{number + 1} {numbers} 1 photo {number}.jpg', '' if number else '1.5 2.5 -1']
    path.write_text('\n'.join(lines) + '\n')


def write_binary(path: Path) -> None:
    content = struct.pack('<Q', len(POSES))
    for number, pose in enumerate(POSES):
        content += struct.pack('<i7di', number + 1, *colmap_numbers(pose), 1)
        content += f'photo {number}.jpg'.encode() + b'\0' + struct.pack('<Q', number)
        content += number * struct.pack('<ddq', 1.5, 2.5, -1)
    path.write_bytes(content)


def write_trajectory(path: Path) -> None:
    write_tum(path, Trajectory(np.arange(3), POSES))


@pytest.mark.parametrize(
    ('name', 'write'),
    [('images.txt', write_text), ('images.bin', write_binary), ('way.tum', write_trajectory)],
)
def test_cameras_are_read(tmp_path: Path, name, write):
    write(tmp_path / name)
    np.testing.assert_allclose(read_reference_cameras(tmp_path / name), POSES, atol=1e-6)
    if name.startswith('images'):
        np.testing.assert_allclose(read_reference_cameras(tmp_path), POSES, atol=1e-6)


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('images.txt', b'1 0.5 0.5\n', 'expected an image'),
        ('images.txt', b'# none\n', 'has no cameras'),
        ('images.bin', b'\x05', 'cannot be read as a COLMAP model'),
        ('images.bin', struct.pack('<Qi', 3, 1), 'cannot be read as a COLMAP model'),
        ('images.bin', struct.pack('<Qi7di', 1, 1, *[0.0] * 7, 1) + b'a\0', 'quaternion is zero'),
        ('way.tum', b'1 2 3\n', 'expected "stamp'),
    ],
)
def test_what_is_no_camera_is_refused_in_one_line(tmp_path: Path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_reference_cameras(tmp_path / name)
    assert '\n' not in str(refusal.value)


def test_a_folder_or_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r'no images\.bin or images\.txt'):
        read_reference_cameras(tmp_path)
    with pytest.raises(InputError, match='cannot be read'):
        read_reference_cameras(tmp_path / 'nowhere.tum')


def test_cameras_that_are_held_alike_tell_what_is_up():
    np.testing.assert_allclose(mean_up(POSES), (0, 0, 1), atol=0.25)
    rolled = [
        looking((0, 0, 0), 0.0, 0.0) @ np.diag((-1.0, -1, 1, 1)),
        looking((0, 0, 0), 0.0, 0.0),
    ]
    assert mean_up(np.array(rolled)) is None
