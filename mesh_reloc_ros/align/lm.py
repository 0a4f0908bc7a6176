"""Levenberg-Marquardt on pose and exposure, for a batch of poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.layout import (
    CHANNELS,
    COLUMNS,
    GRADIENT,
    INLIERS,
    LOSS,
    POSE_SIZE,
    SEEN,
    SQUARED,
    SUMS,
    TRANSLATION,
    UNKNOWNS,
    UNUSABLE,
    WEIGHT,
)
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions, solve_batch
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera


@dataclass(frozen=True)
class NormalEquations:
    """Normal equations of a batch of B alignments."""

    hessian: Array
    """[B, UNKNOWNS, UNKNOWNS], J^T W J."""
    gradient: Array
    """[B, UNKNOWNS], J^T W r."""
    cost: Array
    """[B], mean of the loss over the channels of the points that are seen."""
    variance: Array
    """[B], weighted variance of one residual."""
    usable: Array
    """[B], weight of all points but those on pixels without information."""
    seen: Array
    """[B], weight of the points inside the image."""
    inliers: Array
    """[B], weight of those whose residual is below the scale in every channel."""


class Evidence(NamedTuple):
    """What the blocks of an image tell of a solution."""

    figures: Array
    """[B, blocks, FIGURES], of blocks of points; see `kernels.layout`."""
    correlations: NDArray[np.float32]
    """[B, blocks], of blocks of pixels; see `align.score`."""


@dataclass(frozen=True)
class Solution:
    """The result of a batch of B alignments on one pyramid level."""

    live_T_keyframe: Tensor
    """[B, 4, 4] float64, from the camera that rendered the keyframe to the live camera."""
    exposure: Tensor
    """[B, 6] float32: three alphas, three betas."""
    system: NormalEquations
    """The normal equations at the solution."""
    iterations: int
    robust_scale: float
    """Of the loss that was minimised."""
    moved_px: float
    """How far the image moved on the level, at most."""
    is_at_limit: bool
    """Whether all poses took the most steps on the level: they may not have converged."""
    evidence: Evidence | None = None
    """If it was gathered along with the solution."""


def solve(
    surface: SurfacePoints,
    level: ImageLevel,
    live_T_keyframe: Tensor,
    exposure: Tensor,
    options: SolverOptions,
) -> Solution:
    """Align surface points with the live image, from start poses and exposures.

    The loss is Geman-McClure's; steps that increase its mean over the points seen are undone.

    :param live_T_keyframe: [B, 4, 4] float64. :param exposure: [B, 6].
    """
    poses, exposures = live_T_keyframe.numpy().copy(), exposure.double().numpy().copy()
    systems, sums = np.empty((len(poses), UNKNOWNS, COLUMNS)), np.empty((len(poses), SUMS))
    moved, per_step = np.zeros((len(poses), POSE_SIZE)), pixels_per_step(surface, level.camera)
    iterations = solve_batch(
        surface.template,
        level.live,
        per_step,
        options,
        poses,
        exposures,
        systems,
        sums,
        moved,
    )
    return Solution(
        live_T_keyframe=torch.from_numpy(poses),
        exposure=torch.from_numpy(exposures).float(),
        system=normal_equations(systems, sums, surface),
        iterations=iterations,
        robust_scale=options.robust_scale,
        moved_px=float((np.abs(moved) * per_step).sum(-1).max()),
        is_at_limit=0 < len(poses) * options.max_iterations <= iterations,
    )


def image_motion_px(surface: SurfacePoints, camera: Camera, motions: Tensor) -> Tensor:
    """Return how far motions of the camera [B, 4, 4] move the image, roughly, [B] in pixels."""
    twists = _small_twists(motions.numpy())
    return torch.from_numpy((np.abs(twists) * pixels_per_step(surface, camera)).sum(-1))


def normal_equations(systems: Array, sums: Array, surface: SurfacePoints) -> NormalEquations:
    """Return the normal equations of systems [B, UNKNOWNS, COLUMNS] and sums [B, SUMS]."""
    seen = sums[:, SEEN]
    return NormalEquations(
        hessian=systems[..., :UNKNOWNS],
        gradient=systems[..., GRADIENT],
        cost=sums[:, LOSS] / np.maximum(CHANNELS * seen, 1e-9),
        variance=sums[:, SQUARED] / np.maximum(sums[:, WEIGHT], 1e-9),
        usable=surface.total_weight - sums[:, UNUSABLE],
        seen=seen,
        inliers=sums[:, INLIERS],
    )


def _small_twists(motions: Array) -> Array:
    """Return the twists [B, 6] of motions [B, 4, 4], to the first order of the angle."""
    rows, columns = (2, 0, 1), (1, 2, 0)
    turns = 0.5 * (motions[:, rows, columns] - motions[:, columns, rows])
    return np.concatenate((motions[:, :3, 3], turns), axis=-1)


def pixels_per_step(surface: SurfacePoints, camera: Camera) -> Array:
    """Return how far a unit of each part of a twist [B, 6] moves the image, roughly, in pixels."""
    pixels = np.full((len(surface.median_depth), POSE_SIZE), camera.fx)
    pixels[:, TRANSLATION] /= surface.median_depth[:, None]
    return pixels
