"""The covariance of a pose in compiled functions; `covariance` says what it is made of.

All in one module: numba keeps compiled functions on disk, and does not notice that one which they
call from another module has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.block_sums import CURVATURE, PLACE, RENDER
from mesh_reloc_ros.kernels.compile import kernel

# Directions of less information than this share of the best one's are not known at all.
_UNSEEN, _UNKNOWN_VARIANCE = 1e-10, 1e4
_LEAST_VARIANCE = 1e-14
# Weight of the variance of independent residuals beside that of six numbers by blocks.
_PRIOR = 0.1
# Areas are few: the variance by areas counts only if it is larger by more than chance makes it,
# and if they say enough.
_AREAS_COUNT, _LEAST_FREEDOM = 0.85, 3.0
# The loss curves at least this much as the system does, and as much in all directions, nearly.
_FLATTEST, _MOST_DEPARTURE = 0.1, 0.5


@kernel()
def pose_covariance(
    system: Any,
    blocks: Any,
    intrinsics: Any,
    area_px: float,
    misplaced: float,
    variance: float,
) -> Any:
    """Return the covariance [6, 6] of one pose from its system [12, 12] and its blocks' figures.

    :param area_px: side of the areas. :param misplaced: 1 sigma of an area, radians.
    :param variance: of a residual if all were independent; matters where there is but one block.
    """
    if not math.isfinite(system.sum() + blocks.sum()):
        return np.full((6, 6), np.nan)
    along, areas, count = _places(blocks, intrinsics, area_px)
    informations, curvature, arms = _by_areas(blocks, along, areas, count)
    root, unroot, unknown, scores = _whitened(system, blocks)
    information, lever = np.zeros((6, 6)), np.zeros((6, 6))
    for n in range(count):
        information += informations[n]
        for i in range(6):
            for j in range(6):
                by_u = arms[n, i, 0] * arms[n, j, 0] * intrinsics[0] ** 2
                by_v = arms[n, i, 1] * arms[n, j, 1] * intrinsics[1] ** 2
                lever[i, j] += misplaced * misplaced * (by_u + by_v)
    flatness = blocks[:, CURVATURE].sum() + blocks[:, CURVATURE + 3].sum()
    flatness /= max(blocks[:, RENDER].sum() + blocks[:, RENDER + 2].sum(), 1e-12)
    flatness = min(max(flatness, _FLATTEST), 1 / _FLATTEST)
    floor = _UNSEEN * np.trace(information) + 1e-12
    for i in range(6):
        information[i, i] += floor
        curvature[i, i] += floor * flatness
    spread = np.linalg.inv(information)
    size = _size(scores, areas, along, blocks, informations, spread, variance)
    bread = _inverse_bread(unroot @ (spread @ curvature) @ root, flatness)
    covariance = root @ (size * (bread @ bread) + root @ lever @ root) @ root + unknown
    return 0.5 * (covariance + covariance.T) + _LEAST_VARIANCE * np.eye(6)


@kernel()
def _places(blocks: Any, intrinsics: Any, area_px: float) -> Any:
    """Return how a twist moves each block's image [blocks, 2, 6], its area, and their number."""
    fx, fy, cx, cy = intrinsics
    along, areas = np.zeros((len(blocks), 2, 6)), np.zeros(len(blocks), np.int64)
    columns, rows = int(2 * max(cx, 0) / area_px) + 2, int(2 * max(cy, 0) / area_px) + 2
    for n in range(len(blocks)):
        weight = blocks[n, PLACE]
        if not weight > 0:
            continue
        x, y = blocks[n, PLACE + 1] / weight, blocks[n, PLACE + 2] / weight
        nearness = blocks[n, PLACE + 3] / weight
        along[n, 0, 0], along[n, 0, 2] = fx * nearness, -fx * x * nearness
        along[n, 0, 3], along[n, 0, 4], along[n, 0, 5] = -fx * x * y, fx * (1 + x * x), -fx * y
        along[n, 1, 1], along[n, 1, 2] = fy * nearness, -fy * y * nearness
        along[n, 1, 3], along[n, 1, 4], along[n, 1, 5] = -fy * (1 + y * y), fy * x * y, fy * x
        column = min(max(int((fx * x + cx) / area_px), 0), columns - 1)
        row = min(max(int((fy * y + cy) / area_px), 0), rows - 1)
        areas[n] = row * columns + column
    return along, areas, rows * columns


@kernel()
def _by_areas(blocks: Any, along: Any, areas: Any, count: int) -> Any:
    """Return information by area [areas, 6, 6], curvature [6, 6] and lever arms [areas, 6, 2].

    The first two are what the blocks' gradients say of the pose, once with the render's gradients
    on both sides and once as the loss really curves. A lever arm tells how an area that is out of
    place by a pixel, along u and v, pulls at the pose.
    """
    informations, curvature = np.zeros((count, 6, 6)), np.zeros((6, 6))
    arms = np.zeros((count, 6, 2))
    for n in range(len(blocks)):
        m, k, area = blocks[n, RENDER:CURVATURE], blocks[n, CURVATURE:PLACE], areas[n]
        for i in range(6):
            au, av = along[n, 0, i], along[n, 1, i]
            mu, mv = au * m[0] + av * m[1], au * m[1] + av * m[2]
            ku, kv = au * k[0] + av * k[2], au * k[1] + av * k[3]
            arms[area, i, 0] += mu
            arms[area, i, 1] += mv
            for j in range(6):
                informations[area, i, j] += mu * along[n, 0, j] + mv * along[n, 1, j]
                curvature[i, j] += ku * along[n, 0, j] + kv * along[n, 1, j]
    return informations, curvature, arms


@kernel()
def _whitened(system: Any, blocks: Any) -> Any:
    """Return the root [6, 6] of the inverse of the system, and the blocks' scores in its units.

    The exposure is eliminated. Where residuals are independent and of variance 1, so are the
    scores' sums [6]. Also returned: the inverse of the root, both 0 in directions that the system
    does not tell, and the covariance that stands for those.
    """
    corner = system[6:, 6:].copy()
    for i in range(6):
        corner[i, i] += 1e-6
    across = np.linalg.solve(corner, system[6:, :6].copy())
    schur = system[:6, :6] - system[:6, 6:].copy() @ across
    values, vectors = np.linalg.eigh(0.5 * (schur + schur.T))
    root, unroot, unknown = np.zeros((6, 6)), np.zeros((6, 6)), np.zeros((6, 6))
    for i in range(6):
        vector = vectors[:, i].copy()
        outer = np.outer(vector, vector)
        if values[i] > _UNSEEN * values[5] + 1e-6:
            root += outer / math.sqrt(values[i])
            unroot += outer * math.sqrt(values[i])
        else:
            unknown += _UNKNOWN_VARIANCE * outer
    scores = blocks[:, :6].copy() - blocks[:, 6:12].copy() @ across
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

    What the fit takes from the scores is made up for by the blocks' and the areas' leverage.
    """
    total, freedom = 0.0, 6.0
    area_scores = np.zeros((len(informations), 6))
    for n in range(len(scores)):
        m = blocks[n, RENDER:CURVATURE]
        uu = uv = vv = 0.0
        for i in range(6):
            total += scores[n, i] ** 2
            area_scores[areas[n], i] += scores[n, i]
            for j in range(6):
                uu += along[n, 0, i] * spread[i, j] * along[n, 0, j]
                uv += along[n, 0, i] * spread[i, j] * along[n, 1, j]
                vv += along[n, 1, i] * spread[i, j] * along[n, 1, j]
        a, b = m[0] * uu + m[1] * uv, m[0] * uv + m[1] * vv
        c, d = m[1] * uu + m[2] * uv, m[1] * uv + m[2] * vv
        freedom -= a * a + 2 * b * c + d * d
    by_blocks = (total + _PRIOR * variance) / (max(freedom, 0.0) + _PRIOR)
    total, freedom = 0.0, 6.0
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
    for i in range(6):
        departure[i, i] -= 1
    # So that it stays positive definite, however little the image agrees with the render.
    length = math.sqrt((departure * departure).sum())
    departure *= min(1.0, _MOST_DEPARTURE / max(length, 1e-12))
    for i in range(6):
        departure[i, i] += 1
    return np.linalg.inv(departure) / flatness
