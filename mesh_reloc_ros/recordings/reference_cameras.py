"""Cameras of a reconstruction, as COLMAP or a TUM file has them: where a camera is likely to be."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.pose import pose_from_numbers

_COLMAP_FILES = ('images.bin', 'images.txt')
# Bytes of a point in images.bin: two doubles and an identifier.
_POINT_BYTES = 24


def read_reference_cameras(path: Path) -> Array:
    """Return the poses [V, 4, 4], map_T_camera, of `images.bin`, `images.txt` or a TUM file.

    A folder stands for the COLMAP model in it. For the formats see COLMAP's documentation, "Output
    Format".

    :raises InputError: there is no such file, or it is not what its name says, or has no camera.
    """
    if path.is_dir():
        inside = [path / name for name in _COLMAP_FILES if (path / name).is_file()]
        if not inside:
            raise InputError(
                f'reference cameras {path}: no images.bin or images.txt in this folder'
            )
        path = inside[0]
    if path.name not in _COLMAP_FILES:
        poses = read_tum(path).poses
    else:
        poses = np.array(list(_colmap_poses(path))).reshape(-1, 4, 4)
    if not len(poses):
        raise InputError(f'reference cameras {path}: the file has no cameras')
    return poses


def _colmap_poses(path: Path) -> Iterator[Array]:
    read = _numbers_of_binary if path.suffix == '.bin' else _numbers_of_text
    try:
        for qw, qx, qy, qz, tx, ty, tz in read(path):
            yield np.linalg.inv(pose_from_numbers((tx, ty, tz, qx, qy, qz, qw)))
    except (OSError, ValueError, struct.error, InputError) as error:
        raise InputError(
            f'reference cameras {path} cannot be read as a COLMAP model:'
            f' {error or type(error).__name__}'
        ) from error


def _numbers_of_text(path: Path) -> Iterator[tuple[float, ...]]:
    """Yield qw qx qy qz tx ty tz of each image; every second line is its points."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    for line in lines[::2]:
        if line.strip():
            words = line.split()
            if len(words) < 10:
                raise ValueError(f'expected an image, got {line[:60]!r}')
            yield tuple(float(word) for word in words[1:8])


def _numbers_of_binary(path: Path) -> Iterator[tuple[float, ...]]:
    content = path.read_bytes()
    (count,) = struct.unpack_from('<Q', content)
    offset = 8
    for _ in range(count):
        numbers = struct.unpack_from('<i7di', content, offset)
        yield numbers[1:8]
        offset = content.index(b'\0', offset + struct.calcsize('<i7di')) + 1
        (points,) = struct.unpack_from('<Q', content, offset)
        offset += 8 + _POINT_BYTES * points
