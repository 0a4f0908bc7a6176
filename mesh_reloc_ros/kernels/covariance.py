"""The covariance of a pose from its normal equations and its blocks; see `align.covariance`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.layout import (
    CURVATURE,
    EXPOSURE,
    EXPOSURE_SIZE,
    PLACE,
    POSE,
    POSE_SIZE,
    RENDER,
)
from mesh_reloc_ros.kernels.photometric import LiveImage, pixel_jacobian

# An area is a square of this share of the image's longer side.
_AREA = 1 / 4
# Between pixels the image is taken as linear, which displaces an area by this, 1 sigma.
_RESAMPLED_PX = 0.007
# Directions with less information than this share of the best one's count as unobserved.
_UNOBSERVED, _UNOBSERVED_VARIANCE = 1e-10, 1e4
_LEAST_VARIANCE = 1e-14
# Weight of the variance of independent residuals against that of six numbers by blocks.
_PRIOR = 0.1
# Areas are few: the variance by areas counts only if it is larger than by chance, and if it has
# enough degrees of freedom.
_AREAS_COUNT, _LEAST_FREEDOM = 0.85, 3.0
# The curvature of the loss, relative to the system, is at least this, and this close to isotropic.
_FLATTEST, _MOST_DEPARTURE = 0.1, 0.5


@kernel()
def pose_covariances(
    systems: Any, figures: Any, variances: Any, live: LiveImage, misplaced: float
) -> Any:
    """Return the covariances [B, 6, 6] of the twists of poses.

    :param systems: [B, UNKNOWNS, UNKNOWNS], Hessians.
    :param figures: [B, blocks, FIGURES].
    :param variances: [B], of a residual if all were independent; matters if there is one block.
    :param misplaced: position error of areas relative to their distance, 1 sigma.
    """
    misplaced = math.hypot(misplaced, _RESAMPLED_PX / live.fx)
    covariances = np.empty((len(systems), POSE_SIZE, POSE_SIZE))
    for b in range(len(systems)):
        covariances[b] = _pose_covariance(systems[b], figures[b], variances[b], live, misplaced)
    return covariances


@kernel()
def _pose_covariance(
    system: Any, blocks: Any, variance: float, live: LiveImage, misplaced: float
) -> Any:
    if not math.isfinite(system.sum() + blocks.sum()):
        return np.full((POSE_SIZE, POSE_SIZE), np.nan)
    along, areas, count = _places(blocks, live)
    informations, curvature, arms = _by_areas(blocks, along, areas, count)
    root, unroot, unknown, scores = _whitened(system, blocks)
    information = np.zeros((POSE_SIZE, POSE_SIZE))
    for n in range(count):
        information += informations[n]
    lever = misplaced * misplaced * _lever(arms, live)
    flatness = blocks[:, CURVATURE].sum() + blocks[:, CURVATURE + 3].sum()
    flatness /= max(blocks[:, RENDER].sum() + blocks[:, RENDER + 2].sum(), 1e-12)
    flatness = min(max(flatness, _FLATTEST), 1 / _FLATTEST)
    floor = _UNOBSERVED * np.trace(information) + 1e-12
    for i in range(POSE_SIZE):
        information[i, i] += floor
        curvature[i, i] += floor * flatness
    spread = np.linalg.inv(information)
    size = _size(scores, areas, along, blocks, informations, spread, variance)
    bread = _inverse_bread(unroot @ (spread @ curvature) @ root, flatness)
    covariance = root @ (size * (bread @ bread) + root @ lever @ root) @ root + unknown
    return 0.5 * (covariance + covariance.T) + _LEAST_VARIANCE * np.eye(POSE_SIZE)


@kernel()
def _places(blocks: Any, live: LiveImage) -> Any:
    """Return how a twist moves each block's image [blocks, 2, 6], its area, and their number."""
    along, areas = np.zeros((len(blocks), 2, POSE_SIZE)), np.zeros(len(blocks), np.int64)
    area_px = _AREA * max(live.pixels.shape[0], live.pixels.shape[1])
    columns = int(2 * max(live.cx, 0.0) / area_px) + 2
    rows = int(2 * max(live.cy, 0.0) / area_px) + 2
    for n in range(len(blocks)):
        weight = blocks[n, PLACE]
        if not weight > 0:
            continue
        x, y = blocks[n, PLACE + 1] / weight, blocks[n, PLACE + 2] / weight
        pixel_jacobian(x, y, blocks[n, PLACE + 3] / weight, live.fx, live.fy, along[n])
        column = min(max(int((live.fx * x + live.cx) / area_px), 0), columns - 1)
        row = min(max(int((live.fy * y + live.cy) / area_px), 0), rows - 1)
        areas[n] = row * columns + column
    return along, areas, rows * columns


@kernel()
def _by_areas(blocks: Any, along: Any, areas: Any, count: int) -> Any:
    """Return information by area [areas, 6, 6], curvature [6, 6] and lever arms [areas, 6, 2].

    Information and curvature are what the blocks' gradients tell of the pose: with the render's
    gradients on both sides, and as the loss really curves. A lever arm is the pull at the pose of
    an area that is displaced by a pixel, along u and v.
    """
    informations = np.zeros((count, POSE_SIZE, POSE_SIZE))
    curvature, arms = np.zeros((POSE_SIZE, POSE_SIZE)), np.zeros((count, POSE_SIZE, 2))
    for n in range(len(blocks)):
        m, k, area = blocks[n, RENDER:CURVATURE], blocks[n, CURVATURE:PLACE], areas[n]
        for i in range(POSE_SIZE):
            au, av = along[n, 0, i], along[n, 1, i]
            mu, mv = au * m[0] + av * m[1], au * m[1] + av * m[2]
            ku, kv = au * k[0] + av * k[2], au * k[1] + av * k[3]
            arms[area, i, 0] += mu
            arms[area, i, 1] += mv
            for j in range(POSE_SIZE):
                informations[area, i, j] += mu * along[n, 0, j] + mv * along[n, 1, j]
                curvature[i, j] += ku * along[n, 0, j] + kv * along[n, 1, j]
    return informations, curvature, arms


@kernel()
def _lever(arms: Any, live: LiveImage) -> Any:
    """Return the variance [6, 6] of the pull at the pose if areas are displaced by 1 radian."""
    lever = np.zeros((POSE_SIZE, POSE_SIZE))
    for n in range(len(arms)):
        for i in range(POSE_SIZE):
            for j in range(POSE_SIZE):
                lever[i, j] += arms[n, i, 0] * arms[n, j, 0] * live.fx**2
                lever[i, j] += arms[n, i, 1] * arms[n, j, 1] * live.fy**2
    return lever


@kernel()
def _whitened(system: Any, blocks: Any) -> Any:
    """Return the root [6, 6] of the inverse of the system, and the blocks' scores in its units.

    The exposure is eliminated. Where residuals are independent and of variance 1, so are the sums
    of the scores [6]. Also returned: the inverse of the root, both 0 in unobserved directions, and
    the covariance that stands for those.
    """
    corner = system[EXPOSURE, EXPOSURE].copy()
    for i in range(EXPOSURE_SIZE):
        corner[i, i] += 1e-6
    across = np.linalg.solve(corner, system[EXPOSURE, POSE].copy())
    schur = system[POSE, POSE] - system[POSE, EXPOSURE].copy() @ across
    values, vectors = np.linalg.eigh(0.5 * (schur + schur.T))
    root, unroot, unknown = np.zeros_like(schur), np.zeros_like(schur), np.zeros_like(schur)
    for i in range(POSE_SIZE):
        vector = vectors[:, i].copy()
        outer = np.outer(vector, vector)
        if values[i] > _UNOBSERVED * values[-1] + 1e-6:
            root += outer / math.sqrt(values[i])
            unroot += outer * math.sqrt(values[i])
        else:
            unknown += _UNOBSERVED_VARIANCE * outer
    scores = blocks[:, POSE].copy() - blocks[:, EXPOSURE].copy() @ across
    return root, unroot, unknown, scores @ root


@kernel()
def _size(
    scores: Any,
    areas: Any,
    along: Any,
    blocks: Any,
    informations: Any,
    spread: Any,
    variance: float,
) -> float:
    """Return the variance of the scores' sum, a number for all directions.

    The fit makes the scores smaller: the leverage of blocks and of areas makes up for it.
    """
    total, freedom = 0.0, float(POSE_SIZE)
    area_scores = np.zeros((len(informations), POSE_SIZE))
    for n in range(len(scores)):
        m = blocks[n, RENDER:CURVATURE]
        uu = uv = vv = 0.0
        for i in range(POSE_SIZE):
            total += scores[n, i] ** 2
            area_scores[areas[n], i] += scores[n, i]
            for j in range(POSE_SIZE):
                uu += along[n, 0, i] * spread[i, j] * along[n, 0, j]
                uv += along[n, 0, i] * spread[i, j] * along[n, 1, j]
                vv += along[n, 1, i] * spread[i, j] * along[n, 1, j]
        a, b = m[0] * uu + m[1] * uv, m[0] * uv + m[1] * vv
        c, d = m[1] * uu + m[2] * uv, m[1] * uv + m[2] * vv
        freedom -= a * a + 2 * b * c + d * d
    by_blocks = (total + _PRIOR * variance) / (max(freedom, 0.0) + _PRIOR)
    total, freedom = 0.0, float(POSE_SIZE)
    for n in range(len(informations)):
        if informations[n, 0, 0] + informations[n, 1, 1] > 0:
            share = spread @ informations[n]
            freedom -= (share * share.T).sum()
            total += (area_scores[n] ** 2).sum()
    if not freedom > _LEAST_FREEDOM:
        return by_blocks
    return max(by_blocks, _AREAS_COUNT * total / freedom)


@kernel()
def _inverse_bread(ratio: Any, flatness: float) -> Any:
    """Return the inverse [6, 6] of the loss's curvature, in units of the root of the system.

    :param ratio: [6, 6], of the curvature to that of the system.
    """
    departure = 0.5 * (ratio + ratio.T) / flatness
    for i in range(POSE_SIZE):
        departure[i, i] -= 1
    # Limited, so that it stays positive definite even if the image hardly agrees with the render.
    length = math.sqrt((departure * departure).sum())
    departure *= min(1.0, _MOST_DEPARTURE / max(length, 1e-12))
    for i in range(POSE_SIZE):
        departure[i, i] += 1
    return np.linalg.inv(departure) / flatness
