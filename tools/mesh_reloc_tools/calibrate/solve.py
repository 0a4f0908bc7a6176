"""Estimates a lens from many images whose poses in the mesh are roughly known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.displacements import DisplacementSystem
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.calibrate.lens import FOCAL_AND_CENTRE, Lens

# Coarse rounds first, where displacements are small, in pixels; each until the steps are small.
_SHORTER_SIDES_PX, _ROUNDS, _LEVELS = (120, 240), 8, 2
_SMALL_STEP = 2e-4
# Steps are limited, as larger ones are not linear.
_LARGEST_STEP = 0.15
# Images of so many groups, one after the other in time, err independently.
_GROUPS = 8
# An image that agrees less than this share of the median one is left out.
_AGREEING = 0.8


@dataclass(frozen=True)
class View:
    """A raw image and where it was taken."""

    image: NDArray[np.uint8]
    """RGB [H, W, 3]."""
    map_T_camera: Array
    is_grey: bool


@dataclass(frozen=True)
class Fit:
    """How well images agree with the mesh through a lens."""

    agreement: float
    """Score times inlier ratio, median over the images."""
    pixels: Array
    """[N, 2], places in the images."""
    shifts: Array
    """[N, 2], by how many pixels the image is displaced there, against the mesh."""
    views: int
    """Number of images that count."""


@dataclass(frozen=True)
class Calibration:
    """A lens, and how certain it is."""

    lens: Lens
    deviations: Array
    """[P], standard deviations; see `Lens.jacobians` for the parameters."""
    before: Fit
    """With the lens at the start."""
    after: Fit


def solve(
    scene: Scene,
    views: list[View],
    start: Lens,
    settings: AlignmentSettings,
    progress: Progress = silent,
) -> Calibration:
    """Estimate a lens, from views whose poses fit roughly to the lens at the start."""
    lens, rounds = start, 0
    before = _fit(_align(scene, views, start, settings, _SHORTER_SIDES_PX[-1]), start)
    for shorter_px in _SHORTER_SIDES_PX:
        for _ in range(_ROUNDS):
            aligned = _align(scene, views, lens, settings, shorter_px)
            information, scores = _sum(aligned, lens)
            step = np.linalg.solve(information, scores.sum(0) - lens.prior @ lens.departure)
            step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
            views, lens = [each.after(step) for each in aligned], lens.changed(step)
            rounds += 1
            progress('calibrating', rounds / (len(_SHORTER_SIDES_PX) * _ROUNDS))
            if np.abs(step[:FOCAL_AND_CENTRE]).max() < _SMALL_STEP:
                break
    progress('calibrating', 1.0)
    aligned = _align(scene, views, lens, settings, _SHORTER_SIDES_PX[-1])
    return Calibration(lens, _deviations(*_sum(aligned, lens)), before, _fit(aligned, lens))


@dataclass(frozen=True)
class _Aligned:
    """A view, aligned through a lens."""

    view: View
    system: DisplacementSystem
    agreement: float

    def after(self, step: Array) -> View:
        """Return the view at the pose that goes with a step of the lens."""
        pose = self.view.map_T_camera @ exp(-self.system.twist(step))
        return dataclasses.replace(self.view, map_T_camera=pose)


def _align(
    scene: Scene, views: list[View], lens: Lens, settings: AlignmentSettings, shorter_px: int
) -> list[_Aligned]:
    """Align views through a lens, at a level of this size; return those that agree."""
    rectification = lens.rectification
    level = lens.camera.coarsest_level(shorter_px)
    settings = dataclasses.replace(settings, finest_level=level, levels=_LEVELS)
    found = []
    for view in views:
        pyramid = image_pyramid(rectification.apply(view.image), lens.camera)
        start = torch.from_numpy(view.map_T_camera)[None]
        alignment = align_lm(scene, pyramid, start, None, settings, grey=view.is_grey)
        system = DisplacementSystem.of(alignment, lens.jacobians)
        if system is not None:
            view = dataclasses.replace(view, map_T_camera=alignment.pose)
            found.append(_Aligned(view, system, alignment.agreement))
    if not found:
        raise InputError('the images show too little of the mesh to calibrate with')
    least = _AGREEING * float(np.median([each.agreement for each in found]))
    return [each for each in found if each.agreement >= least]


def _fit(aligned: list[_Aligned], lens: Lens) -> Fit:
    scale = 2.0 ** lens.camera.coarsest_level(_SHORTER_SIDES_PX[-1])
    return Fit(
        agreement=float(np.median([each.agreement for each in aligned])),
        pixels=scale * np.concatenate([each.system.pixels for each in aligned]),
        shifts=scale * np.concatenate([each.system.shifts for each in aligned]),
        views=len(aligned),
    )


def _sum(aligned: list[_Aligned], lens: Lens) -> tuple[Array, Array]:
    """Return the information [P, P] of all images and the prior, and the images' scores [N, P]."""
    information = np.sum([each.system.information for each in aligned], axis=0)
    return information + lens.prior, np.array([each.system.score for each in aligned])


def _deviations(information: Array, scores: Array) -> Array:
    """Return the standard deviations [P], from how the images' scores scatter.

    Consecutive images see the same parts of the mesh and err together.
    """
    groups = np.array_split(scores, min(_GROUPS, len(scores)))
    sums = np.array([group.sum(0) for group in groups])
    spread = len(sums) / max(len(sums) - 1, 1) * sums.T @ sums
    inverse = np.linalg.inv(information)
    return np.sqrt(np.diag(inverse @ spread @ inverse))
