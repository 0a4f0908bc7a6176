"""Trajectory files in the TUM format: `stamp tx ty tz qx qy qz qw` a line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import write_text_atomically
from mesh_reloc_ros.types.pose import pose_from_numbers, pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory


def read_tum(path: Path) -> Trajectory:
    """Read `stamp tx ty tz qx qy qz qw` a line (seconds, metres); `#` begins a comment.

    :raises InputError: the file cannot be read, or a line is not a stamp and a pose.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'trajectory {path} cannot be read: {error}') from error
    stamps, poses = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split('#', 1)[0].split()
        if not words:
            continue
        try:
            # Seconds since 1970 with nanoseconds need more digits than a float has.
            stamps.append(int(Decimal(words[0]) * 1_000_000_000))
            poses.append(pose_from_numbers([float(word) for word in words[1:]]))
        except (ArithmeticError, ValueError, InputError) as error:
            raise InputError(
                f'trajectory {path}, line {number}: expected "stamp tx ty tz qx qy qz qw"'
            ) from error
    order = np.argsort(np.array(stamps, dtype=np.int64), kind='stable')
    return Trajectory(
        np.array(stamps, dtype=np.int64)[order], np.array(poses).reshape(-1, 4, 4)[order]
    )


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """Write `stamp tx ty tz qx qy qz qw` a line (seconds, metres), to a temporary name first."""
    lines = []
    for stamp_ns, pose in zip(trajectory.stamps_ns.tolist(), trajectory.poses, strict=True):
        numbers = ' '.join(f'{value:.9f}' for value in pose_to_numbers(pose))
        lines.append(f'{stamp_ns // 10**9}.{stamp_ns % 10**9:09d} {numbers}\n')
    write_text_atomically(path, ''.join(lines))
