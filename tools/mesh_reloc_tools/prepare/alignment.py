"""`--align`: where the mesh is in the real world, from points or cameras that are known there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_tools.prepare.correspondences import Cameras, read_cameras, read_control_points
from mesh_reloc_tools.prepare.placement import Placement
from mesh_reloc_tools.prepare.similarity import Fit, fit_of, fit_of_poses, is_on_a_line

# Errors that are listed, the largest first.
_LISTED = 5
# A rotation that is more uncertain is said.
_ROTATION_DEG = 1.0
# Orientations that differ by more are of other axes.
_OTHER_AXES_DEG = 20.0


def aligned(files: Sequence[Path]) -> tuple[Placement, list[str]]:
    """Return the placement of the mesh by the files of `--align`, and what is said of it.

    :param files: control points; or cameras in the mesh, and the same in the real world.
    :raises InputError: they cannot be read, or do not determine it.
    """
    if len(files) == 1:
        points, places, names = read_control_points(files[0])
        fit = fit_of(points, places, 'control points')
        return fit.placement, _lines(fit, names, 'control points')
    if len(files) != 2:
        raise InputError('--align: give one file of control points, or two of cameras')
    cameras = read_cameras(*files)
    points, places = cameras.poses[:, :3, 3], cameras.known[:, :3, 3]
    if cameras.has_orientations and (is_on_a_line(points) or is_on_a_line(places)):
        fit = fit_of_poses(cameras.poses, cameras.known, 'cameras')
    else:
        fit = fit_of(points, places, 'cameras')
    lines = _lines(fit, cameras.names, 'cameras')
    if cameras.has_orientations:
        lines.append(_orientations(fit, cameras))
    return fit.placement, lines


def _lines(fit: Fit, names: Sequence[str], kind: str) -> list[str]:
    """Say how well the points fit, and which do not."""
    count = int(fit.fits.sum())
    lines = [
        f'aligned: scale {fit.placement.scale:.6g}; {count} of {len(names)} {kind} fit within'
        f' {_length(fit.errors[fit.fits].max())}, {_length(fit.rms)} in the root mean square'
    ]
    order = np.argsort(-fit.errors)[:_LISTED].tolist()
    listed = ', '.join(f'{names[number]} {_length(fit.errors[number])}' for number in order)
    lines.append(f'largest errors: {listed}')
    if count < len(names):
        lines.append(f'{len(names) - count} {kind} do not agree with the others and are left out')
    if fit.rotation_deg > _ROTATION_DEG:
        lines.append(
            f'the {kind} are almost on one line: the rotation about it is uncertain by'
            f' {fit.rotation_deg:.1g} deg; add one beside it'
        )
    if len(names) == 3:
        lines.append('three are just enough: a fourth would show a mistake')
    return lines


def _orientations(fit: Fit, cameras: Cameras) -> str:
    """Say how well the orientations of the cameras agree."""
    turned = fit.placement.rotation @ cameras.poses[:, :3, :3]
    traces = np.einsum('nij,nij->n', turned, cameras.known[:, :3, :3])
    degrees = float(np.median(np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))))
    said = f'orientations differ by {degrees:.2g} deg in the median'
    if degrees > _OTHER_AXES_DEG:
        said += ': the known poses are not of the optical frame, and only positions were used'
    return said


def _length(metres: float) -> str:
    return f'{metres:.3g} m' if metres >= 1 else f'{100 * metres:.2g} cm'
