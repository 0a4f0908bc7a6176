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

    A folder stands for the COLMAP model in it.

    :raises InputError: there is no such file, or it is not what its name says, or has no camera.
    """
    if is_colmap_model(path):
        return np.array(list(read_colmap_model(path).values())).reshape(-1, 4, 4)
    poses = read_tum(path).poses
    if not len(poses):
        raise InputError(f'reference cameras {path}: the file has no cameras')
    return poses


def is_colmap_model(path: Path) -> bool:
    """Whether a path is to be read as a model of COLMAP, by its name."""
    return path.is_dir() or path.name in _COLMAP_FILES


def read_colmap_model(path: Path) -> dict[str, Array]:
    """Return the poses [4, 4], map_T_camera, of a folder, `images.bin` or `images.txt`, by image.

    For the formats see COLMAP's documentation, "Output Format".

    :raises InputError: there is no such file, or it is no model, or has no camera.
    """
    if path.is_dir():
        inside = [path / name for name in _COLMAP_FILES if (path / name).is_file()]
        if not inside:
            raise InputError(
                f'reference cameras {path}: no images.bin or images.txt in this folder'
            )
        path = inside[0]
    found = dict(_colmap_poses(path))
    if not found:
        raise InputError(f'reference cameras {path}: the file has no cameras')
    return found


def _colmap_poses(path: Path) -> Iterator[tuple[str, Array]]:
    read = _images_of_binary if path.suffix == '.bin' else _images_of_text
    try:
        for name, (qw, qx, qy, qz, tx, ty, tz) in read(path):
            yield name, np.linalg.inv(pose_from_numbers((tx, ty, tz, qx, qy, qz, qw)))
    except (OSError, ValueError, struct.error, InputError) as error:
        raise InputError(
            f'reference cameras {path} cannot be read as a COLMAP model:'
            f' {error or type(error).__name__}'
        ) from error


def _images_of_text(path: Path) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield name and qw qx qy qz tx ty tz of each image; every second line is its points."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    for line in lines[::2]:
        if line.strip():
            words = line.split(maxsplit=9)
            if len(words) < 10:
                raise ValueError(f'expected an image, got {line[:60]!r}')
            yield words[9].strip(), tuple(float(word) for word in words[1:8])


def _images_of_binary(path: Path) -> Iterator[tuple[str, tuple[float, ...]]]:
    content = path.read_bytes()
    (count,) = struct.unpack_from('<Q', content)
    offset = 8
    for _ in range(count):
        numbers = struct.unpack_from('<i7di', content, offset)
        begin = offset + struct.calcsize('<i7di')
        offset = content.index(b'\0', begin) + 1
        yield content[begin : offset - 1].decode(errors='replace'), numbers[1:8]
        (points,) = struct.unpack_from('<Q', content, offset)
        offset += 8 + _POINT_BYTES * points
