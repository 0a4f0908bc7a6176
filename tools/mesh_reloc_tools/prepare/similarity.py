"""The similarity transform between points of a mesh and the same points in the real world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.prepare.placement import Placement

# Points on a line do not tell the rotation about it: their extent across must be this share.
_LEAST_WIDTH = 0.01
# Points are mirrored if that fits so many times better.
_MIRRORED = 5.0
# From this many points on, some may be wrong: the most that agree with three of them count.
_ROBUST_FROM, _TRIES = 5, 500
# Points that are so many times as far off as a typical one are wrong.
_OUTLYING = 4.0
# Errors of rounding, as a share of the coordinates.
_TINY = 1e-9


@dataclass(frozen=True)
class Fit:
    """A placement, and how well points fit it."""

    placement: Placement
    errors: Array
    """[N], metres."""
    fits: NDArray[np.bool_]
    """[N]: the points that count."""
    width: float = np.inf
    """Extent of the points that count across their longest axis, metres; infinite if the rotation
    does not depend on it."""

    @property
    def rms(self) -> float:
        """Of the points that count, metres."""
        return float(np.sqrt((self.errors[self.fits] ** 2).mean()))

    @property
    def rotation_deg(self) -> float:
        """Standard deviation of the rotation about the longest axis of the points."""
        return float(np.degrees(self.rms / self.width))


def fit_of(points: Array, places: Array, name: str) -> Fit:
    """Return the placement that takes points [N, 3] of the mesh to their places [N, 3] best.

    Wrong points do not count, from five points on.

    :param name: what the points are called in messages, as `control points`.
    :raises InputError: the points do not determine it, or fit only mirrored.
    """
    if len(points) < 3:
        raise InputError(f'--align: {len(points)} {name}: give three or more, not on one line')
    _check_width(points, name, 'in the mesh')
    _check_width(places, name, 'in metres')
    best = _best_errors(points, places)
    tiny = _TINY * float(np.abs(places).max())
    _check_handedness(points, places, _typical(best), tiny, name)
    fits = _agreeing(best, tiny)
    if is_on_a_line(points[fits]):
        fits[:] = True
    placement = least_squares(points[fits], places[fits])
    width = float(_extents(places[fits])[1])
    return Fit(placement, _errors(placement, points, places), fits, width)


def fit_of_poses(poses: Array, known: Array, name: str) -> Fit:
    """Return the placement of cameras [N, 4, 4] on one line, by their orientations.

    :raises InputError: they are all at one place.
    """
    points, places = poses[:, :3, 3], known[:, :3, 3]
    if len(points) < 2 or not (_extents(points)[0] > 0 and _extents(places)[0] > 0):
        raise InputError(f'--align: the {name} are all at one place: move the camera')
    turns = known[:, :3, :3] @ poses[:, :3, :3].transpose(0, 2, 1)
    rotation = _nearest_rotation(turns.sum(0))
    away, there = points - points.mean(0), places - places.mean(0)
    scale = float((there * (away @ rotation.T)).sum() / (away**2).sum())
    if scale <= 0:
        raise InputError(
            f'--align: the {name} move against their orientation: are both of the optical frame?'
        )
    turned = Placement(scale, rotation)
    shift = places.mean(0) - turned(points.mean(0))
    placement = Placement(scale, rotation, shift)
    return Fit(placement, _errors(placement, points, places), np.ones(len(points), np.bool_))


def is_on_a_line(points: Array) -> bool:
    """Whether points [N, 3] are on one line, or at one place."""
    extents = _extents(points)
    return not extents[1] > _LEAST_WIDTH * extents[0]


def least_squares(points: Array, places: Array, *, mirrored: bool = False) -> Placement:
    """Return the placement with the least squared errors (Umeyama 1991).

    :param mirrored: with a rotation that mirrors.
    """
    away, there = points - points.mean(0), places - places.mean(0)
    left, values, right = np.linalg.svd(there.T @ away)
    sign = np.ones(3)
    sign[2] = np.sign(np.linalg.det(left @ right)) * (-1 if mirrored else 1)
    rotation = left * sign @ right
    scale = float((values * sign).sum() / (away**2).sum())
    return Placement(scale, rotation, places.mean(0) - scale * rotation @ points.mean(0))


def _best_errors(points: Array, places: Array, *, mirrored: bool = False) -> Array:
    """Return the errors [N] of the fit to three points that is best for most of the others.

    (Least median of squares, Rousseeuw 1984.) Of few points, the errors of the least squares.
    """
    if len(points) < _ROBUST_FROM:
        return _errors(least_squares(points, places, mirrored=mirrored), points, places)
    rng = np.random.default_rng(0)
    best = np.full(len(points), np.inf)
    for _ in range(_TRIES):
        some = rng.choice(len(points), 3, replace=False)
        if is_on_a_line(points[some]) or is_on_a_line(places[some]):
            continue
        placement = least_squares(points[some], places[some], mirrored=mirrored)
        errors = _errors(placement, points, places)
        best = errors if _typical(errors) < _typical(best) else best
    return best


def _typical(errors: Array) -> float:
    """Return the error that about half of the points are below, besides the three that fit."""
    number = min(len(errors) // 2 + 2, len(errors))
    return float(np.sort(errors)[number - 1])


def _agreeing(errors: Array, tiny: float) -> NDArray[np.bool_]:
    """Return which points agree with most of the others; all of few points."""
    if len(errors) < _ROBUST_FROM:
        return np.ones(len(errors), np.bool_)
    # Few points fit better than they are.
    most = _OUTLYING * (1 + 3 / (len(errors) - 3)) * _typical(errors)
    fits: NDArray[np.bool_] = errors <= most + tiny
    return fits


def _errors(placement: Placement, points: Array, places: Array) -> Array:
    return np.asarray(np.linalg.norm(placement(points) - places, axis=1))


def _nearest_rotation(matrix: Array) -> Array:
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left * (1, 1, np.linalg.det(left @ right)) @ right)


def _extents(points: Array) -> Array:
    """Return the extent of points along their principal axes [3], the largest first."""
    if len(points) < 2:
        return np.zeros(3)
    return np.linalg.svd(points - points.mean(0), compute_uv=False)[:3]


def _check_width(points: Array, name: str, where: str) -> None:
    if is_on_a_line(points):
        raise InputError(
            f'--align: the {name} are on one line {where}: add one beside it, since they do not'
            ' determine the rotation about that line'
        )


def _check_handedness(points: Array, places: Array, typical: float, tiny: float, name: str) -> None:
    """Refuse points that a mirror image of the mesh fits: most of them, or all together."""
    mirrored = _typical(_best_errors(points, places, mirrored=True))
    first, second = (
        float(np.linalg.norm(_errors(least_squares(points, places, mirrored=m), points, places)))
        for m in (False, True)
    )
    if _MIRRORED * mirrored + tiny < typical or _MIRRORED * second + tiny < first:
        raise InputError(
            f'--align: the {name} fit only mirrored: two axes are swapped, or one has the wrong'
            ' sign'
        )
