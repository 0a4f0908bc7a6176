"""Files that say where points or cameras of a mesh are in the real world."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.reference_cameras import is_colmap_model, read_colmap_model
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types import Array

# Poses belong together if their stamps are at most this much apart.
_NEAR_S = 0.02
_NUMBER = re.compile(r'\d+(?:\.\d+)?')


class ControlPoints(NamedTuple):
    """Points [N, 3] of the mesh, the same in metres, and what each is called."""

    points: Array
    places: Array
    names: list[str]


class Cameras(NamedTuple):
    """Cameras [N, 4, 4] in the mesh, the same in metres, and what each is called."""

    poses: Array
    known: Array
    names: list[str]
    has_orientations: bool
    """Whether the known ones are poses; else only their positions are known."""


def read_control_points(path: Path) -> ControlPoints:
    """Read lines `x y z X Y Z`: in the mesh, and in metres; commas, a heading, `#` are allowed.

    :raises InputError: the file cannot be read, or a line has not six numbers.
    """
    rows: list[list[float]] = []
    names = []
    for number, line in _lines(path):
        values = _numbers(re.split(r'[\s,;]+', line))
        if values is None and not rows and number == 1:
            continue  # the heading
        if values is None or len(values) != 6:
            raise InputError(
                f'--align {path}, line {number}: expected "x y z X Y Z", a point in the mesh and'
                ' the same in metres'
            )
        rows.append(values)
        names.append(f'line {number}')
    table = np.array(rows).reshape(-1, 6)
    return ControlPoints(table[:, :3], table[:, 3:], names)


def read_cameras(path: Path, known: Path) -> Cameras:
    """Read cameras in the mesh (COLMAP or TUM), and what is known of them (TUM, or positions).

    :raises InputError: a file cannot be read, or they have fewer than two cameras in common.
    """
    positions = _positions(known)
    if is_colmap_model(path):
        of_mesh = read_colmap_model(path)
    elif positions is not None:
        raise InputError(f'--align {path}: {known} names images, so give a model of COLMAP')
    else:
        trajectory = read_tum(path)
        stamps = [f'{stamp * 1e-9:.3f}' for stamp in trajectory.stamps_ns.tolist()]
        of_mesh = dict(zip(stamps, trajectory.poses, strict=True))
    names = list(of_mesh)
    poses = np.array([of_mesh[name] for name in names]).reshape(-1, 4, 4)
    if positions is None:
        chosen, known_poses = _by_stamp(names, known)
    else:
        chosen = [number for number, name in enumerate(names) if name in positions]
        known_poses = np.tile(np.eye(4), (len(chosen), 1, 1))
        known_poses[:, :3, 3] = [positions[names[number]] for number in chosen]
    if len(chosen) < 2:
        raise InputError(
            f'--align: {len(chosen)} of the {len(names)} cameras of {path} are in {known}: images'
            f' need the same names in both, trajectories stamps at most {1000 * _NEAR_S:g} ms apart'
        )
    chosen_names = [names[number] for number in chosen]
    return Cameras(poses[chosen], known_poses, chosen_names, positions is None)


def _by_stamp(names: Sequence[str], path: Path) -> tuple[list[int], Array]:
    """Return which cameras have a pose in a TUM file at the stamp in their names, and the poses."""
    trajectory = read_tum(path)
    stamps = trajectory.stamps_ns * 1e-9
    chosen, poses = [], []
    for number, name in enumerate(names):
        wanted = _stamp(name)
        if wanted is None or not len(stamps):
            continue
        nearest = int(np.abs(stamps - wanted).argmin())
        if abs(stamps[nearest] - wanted) <= _NEAR_S:
            chosen.append(number)
            poses.append(trajectory.poses[nearest])
    return chosen, np.array(poses).reshape(-1, 4, 4)


def _stamp(name: str) -> float | None:
    """Return the seconds in the name of an image: as such, or in milli-, micro- or nanoseconds."""
    found = _NUMBER.findall(Path(name).name)
    if not found:
        return None
    digits = max(found, key=len)
    whole = digits.split('.')[0]
    # Of a clock since 1970, the number of digits tells the unit.
    unit = {13: 1e-3, 16: 1e-6, 19: 1e-9}.get(len(whole), 1.0)
    return float(digits) * unit


def _positions(path: Path) -> dict[str, list[float]] | None:
    """Return positions by image of lines `image.jpg x y z`; None if the file has other lines."""
    found = {}
    for number, line in _lines(path):
        words = line.replace(',', ' ').split()
        values = _numbers(words[-3:])
        if len(words) >= 8 and _numbers(words) is not None:
            return None
        if len(words) < 4 or values is None:
            raise InputError(
                f'--align {path}, line {number}: expected "image.jpg x y z", or'
                ' "stamp tx ty tz qx qy qz qw"'
            )
        found[' '.join(words[:-3])] = values
    return found


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return numbers and text of the lines that are not empty."""
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'--align {path} cannot be read: {error}') from error
    lines = (
        (number, line.split('#')[0].strip()) for number, line in enumerate(text.splitlines(), 1)
    )
    return [(number, line) for number, line in lines if line]


def _numbers(words: Sequence[str]) -> list[float] | None:
    try:
        values = [float(word) for word in words if word]
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
