"""The error of a camera's intrinsics, from an image aligned with the mesh.

The pose is where the image agrees best, with the given intrinsics. If they are wrong, blocks of
points stay displaced: a pose explains a longer focal length or a shifted principal point only in
part. So the displacements are fitted by the pose and the intrinsics together, as in the calibration
of a camera against a known object (Z. Zhang, "A flexible new technique for camera calibration",
PAMI 22, 2000), with the mesh for the object.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.displacements import DisplacementSystem
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

SIZE = 3
"""Of an error: logarithm of the factor on the focal lengths, and the shift of the principal point
along x and y in focal lengths."""

# A step is limited, as larger ones are not linear; one as small as this is the last.
_LARGEST_STEP, _SMALL_STEP = 0.15, 3e-3
# Focal lengths to start from, as logarithms of factors: the steps find an error of 0.1 from any
# start, and one of 0.2 in four of five images.
_OTHER_FOCALS = (-0.4, -0.2, 0.2, 0.4)
# An image determines the focal length if its logarithm is known to this, 1 sigma: 0.003 to 0.015 in
# a kitchen and a painted room, 0.012 to 0.037 on a castle's facade and a fountain. A flat wall has
# 0.2, and small parts of the kitchen 0.056 and more: there, estimates of 0.5 occur.
_DETERMINED = 0.045
# A render serves until the error changes by more than this.
_NEAR = 0.03
# An estimate that raises what is missing from full agreement by more, as a logarithm, is none.
_DIVERGED = -0.1
# Least that is missing from full agreement, as images are never free of noise.
_LEAST_MISSING = 1e-3


@dataclass(frozen=True)
class IntrinsicsEstimate:
    """What one image tells of the error of its camera's intrinsics."""

    error: Array
    """[SIZE], to be added to the camera's; see `corrected`."""
    information: Array
    """[SIZE, SIZE], the inverse of the covariance, without what the mesh distorts at large."""
    gain: float
    """Logarithm of the factor by which less is missing from full agreement when corrected."""


def widely(error: Array) -> list[Array]:
    """Return an error [SIZE] to start from, and others around it that the steps do not reach."""
    return [error, *(error + np.array([focal, 0.0, 0.0]) for focal in _OTHER_FOCALS)]


def corrected(camera: Camera, error: Array) -> Camera:
    """Return the camera with an error [SIZE] of its intrinsics corrected."""
    factor = float(np.exp(error[0]))
    return dataclasses.replace(
        camera,
        fx=factor * camera.fx,
        fy=factor * camera.fy,
        cx=camera.cx + float(error[1]) * camera.fx,
        cy=camera.cy + float(error[2]) * camera.fy,
    )


def estimate_intrinsics(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    alignment: Alignment,
    settings: AlignmentSettings,
    starts: Sequence[Array],
    steps: int,
    *,
    grey: bool = False,
) -> IntrinsicsEstimate | None:
    """Estimate the error of the intrinsics of an image.

    :param alignment: of the image, with the given intrinsics.
    :param settings: finest level: a coarse one, where displacements are small, in pixels.
    :param starts: errors [SIZE]; the estimate goes on from the one where the image agrees best.
    :param steps: from there.
    :returns: None if the image does not determine it, or agrees clearly less with it.
    """

    def moved(start: _Corrected, system: DisplacementSystem, error: Array) -> _Corrected:
        """Correct by another error [SIZE]; the pose goes with it."""
        pose = start.alignment.pose @ exp(-system.twist(error - start.error))
        is_near = bool((np.abs(error - start.rendered) <= _NEAR).all())
        keyframe = start.alignment.keyframe if is_near else None
        return _Corrected(
            aligned(pose, error, keyframe), error, start.rendered if is_near else error
        )

    def aligned(pose: Array, error: Array, keyframe: Keyframe | None) -> Alignment:
        levels = [
            dataclasses.replace(level, camera=corrected(camera, error).at_level(level.number))
            for level in pyramid
        ]
        start = torch.from_numpy(pose)[None]
        return align_lm(
            scene, levels, start, alignment.exposure, settings, grey=grey, keyframe=keyframe
        )

    camera, none = pyramid[0].camera, np.zeros(SIZE)
    given = _Corrected(aligned(alignment.pose, none, None), none, none)
    system = _determined(given.alignment)
    if system is None:
        return None
    begun = [moved(given, system, start) if start.any() else given for start in starts]
    latest = max(begun, key=lambda one: one.alignment.agreement)
    for _ in range(steps):
        system = _determined(latest.alignment)
        if system is None:
            return None
        step = _step(system)
        latest = moved(latest, system, latest.error + step)
        if (np.abs(step) < _SMALL_STEP).all():
            break
    system = _determined(latest.alignment)
    if system is None or not np.isfinite(latest.error).all():
        return None
    gain = math.log(_missing(given.alignment) / _missing(latest.alignment))
    return IntrinsicsEstimate(latest.error, system.information, gain) if gain > _DIVERGED else None


class _Corrected(NamedTuple):
    """An image that is aligned with corrected intrinsics."""

    alignment: Alignment
    error: Array
    """[SIZE], by which they are corrected."""
    rendered: Array
    """[SIZE], the error that the alignment's keyframe was rendered with."""


def _missing(alignment: Alignment) -> float:
    return max(1 - alignment.agreement, _LEAST_MISSING)


def _determined(alignment: Alignment) -> DisplacementSystem | None:
    """Return the displacements of an aligned image if they determine the focal length."""
    system = DisplacementSystem.of(alignment, _pinhole_jacobians)
    if system is None or np.linalg.inv(system.information)[0, 0] > _DETERMINED**2:
        return None
    return system


def _step(system: DisplacementSystem) -> Array:
    """Return the step of the intrinsics [SIZE] to the solution, as far as it is linear."""
    step = np.linalg.solve(system.information, system.score)
    return np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)


def _pinhole_jacobians(rays: Array) -> Array:
    """Return how x / z and y / z [2, N] are displaced by an error of intrinsics [N, 2, SIZE]."""
    x, y = rays
    zero, one = np.zeros_like(x), np.ones_like(x)
    return np.stack((np.stack((x, one, zero), 1), np.stack((y, zero, one), 1)), axis=1)
