"""The covariance of a pose from its normal equations and its blocks; see `align._covariance`."""

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
from mesh_reloc_ros.kernels.map_error import MapError, squares, surface_displacements
from mesh_reloc_ros.kernels.photometric import LiveImage, pixel_jacobian

# Scores of blocks within an area, a square of this share of the longer side, may be correlated.
# Surfaces are out of place, and interpolated images displaced, cell by cell: squares of this share
# of the focal length, a tenth of a usual image, however small the part that is aligned.
_AREA, CELL = 1 / 4, 0.12
# Directions with less information than this share of the best one's count as unobserved.
_UNOBSERVED, _UNOBSERVED_VARIANCE = 1e-10, 1e4
_LEAST_VARIANCE = 1e-14
# Degrees of freedom that the variance of independent residuals counts as.
_PRIOR_FREEDOM = 4.0
# Areas are few: the variance by areas counts only if it is larger than by chance, and if enough of
# the six numbers are left to it.
_AREAS_COUNT, _LEAST_FREEDOM = 0.85, 3.0
# The curvature of the loss, relative to the system, is at least this, and this close to isotropic.
_FLATTEST, _MOST_DEPARTURE = 0.1, 0.5


@kernel()
def pose_covariances(
    systems: Any, figures: Any, variances: Any, live: LiveImage, map_error: MapError
) -> Any:
    """Return the covariances [B, 6, 6] of the twists of poses.

    :param systems: [B, UNKNOWNS, UNKNOWNS], Hessians.
    :param figures: [B, blocks, FIGURES].
    :param variances: [B], of a residual if all were independent; matters if there are few blocks.
    """
    covariances = np.empty((len(systems), POSE_SIZE, POSE_SIZE))
    for b in range(len(systems)):
        covariances[b] = _pose_covariance(systems[b], figures[b], variances[b], live, map_error)
    return covariances


@kernel()
def _pose_covariance(
    system: Any, blocks: Any, variance: float, live: LiveImage, map_error: MapError
) -> Any:
    if not math.isfinite(system.sum() + blocks.sum()):
        return np.full((POSE_SIZE, POSE_SIZE), np.nan)
    root, unroot, unknown, scores = _whitened(system, blocks)
    along = _motions(blocks, live, root)
    shares, curvature = _products(blocks, along)
    bread = _inverse_bread(shares.sum(0), curvature, blocks)
    within = unroot @ root - shares.sum(0)
    _share_out(within, blocks, shares)
    longer = max(live.pixels.shape[0], live.pixels.shape[1])
    areas, count = squares(blocks, live, _AREA * longer)
    size = _size(scores, shares, areas, count, variance)
    cells, count = squares(blocks, live, CELL * live.fx)
    displaced = surface_displacements(blocks, live, map_error, variance, cells, count)
    lever = _lever(blocks, along, cells, count, within, live, displaced)
    covariance = root @ (size * (bread @ bread) + lever) @ root + unknown
    return 0.5 * (covariance + covariance.T) + _LEAST_VARIANCE * np.eye(POSE_SIZE)


@kernel()
def _motions(blocks: Any, live: LiveImage, root: Any) -> Any:
    """Return how the image of each block moves [blocks, 2, 6] with the whitened pose."""
    along = np.zeros((len(blocks), 2, POSE_SIZE))
    for n in range(len(blocks)):
        weight = blocks[n, PLACE]
        if weight > 0:
            x, y = blocks[n, PLACE + 1] / weight, blocks[n, PLACE + 2] / weight
            inverse_z = blocks[n, PLACE + 3] / weight
            along_u, along_v = pixel_jacobian(x, y, inverse_z, live.fx, live.fy)
            for j in range(POSE_SIZE):
                along[n, 0, j], along[n, 1, j] = along_u[j], along_v[j]
    return (along.reshape(-1, POSE_SIZE) @ root).reshape(along.shape)


@kernel()
def _products(blocks: Any, along: Any) -> Any:
    """Return what a shift of each block tells of the whitened pose [blocks, 6, 6], and curvature.

    The first is with the render's gradients on both sides, the curvature [6, 6] of all blocks as
    the loss really curves.
    """
    shares = np.zeros((len(blocks), POSE_SIZE, POSE_SIZE))
    curvature = np.zeros((POSE_SIZE, POSE_SIZE))
    for n in range(len(blocks)):
        m, k = blocks[n, RENDER:CURVATURE], blocks[n, CURVATURE:PLACE]
        for i in range(POSE_SIZE):
            au, av = along[n, 0, i], along[n, 1, i]
            mu, mv = au * m[0] + av * m[1], au * m[1] + av * m[2]
            ku, kv = au * k[0] + av * k[2], au * k[1] + av * k[3]
            for j in range(POSE_SIZE):
                shares[n, i, j] = mu * along[n, 0, j] + mv * along[n, 1, j]
                curvature[i, j] += ku * along[n, 0, j] + kv * along[n, 1, j]
    return shares, curvature


@kernel()
def _share_out(within: Any, blocks: Any, shares: Any) -> None:
    """Add to the blocks' shares what their shifts do not tell, but their parts do [6, 6].

    With it the shares add up to all that the system tells, however few blocks there are.
    """
    total = blocks[:, RENDER].sum() + blocks[:, RENDER + 2].sum()
    for n in range(len(blocks)):
        shares[n] += (blocks[n, RENDER] + blocks[n, RENDER + 2]) / max(total, 1e-12) * within


@kernel()
def _lever(
    blocks: Any,
    along: Any,
    cells: Any,
    count: int,
    within: Any,
    live: LiveImage,
    displaced: Any,
) -> Any:
    """Return the variance [6, 6] of the whitened pull at the pose of displaced cells."""
    arms = np.zeros((count, 2, POSE_SIZE))
    total = stiffness = 0.0
    for n in range(len(blocks)):
        uu, uv, vv = blocks[n, RENDER], blocks[n, RENDER + 1], blocks[n, RENDER + 2]
        across, down = live.fx * displaced[n], live.fy * displaced[n]
        arms[cells[n], 0] += across * (uu * along[n, 0] + uv * along[n, 1])
        arms[cells[n], 1] += down * (uv * along[n, 0] + vv * along[n, 1])
        total += uu + vv
        stiffness += (uu + vv) * 0.5 * (across**2 * uu + down**2 * vv)
    rows = arms.reshape(-1, POSE_SIZE)
    lever = rows.T @ rows
    # Surfaces are out of place within a cell as well.
    values, vectors = np.linalg.eigh(0.5 * (within + within.T))
    for i in range(POSE_SIZE):
        vector = vectors[:, i].copy()
        lever += stiffness / max(total, 1e-12) * max(values[i], 0.0) * np.outer(vector, vector)
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
def _size(scores: Any, shares: Any, areas: Any, count: int, variance: float) -> float:
    """Return the variance of the scores' sum, a number for all directions.

    The fit makes the scores smaller, which is made up for. The variance of few degrees of freedom
    may be too small by chance: that of Student's t is larger.
    """
    left, uneven = max(_left(shares), 0.0), max(_uneven(shares), 1e-6)
    degrees, total = left * left / uneven, left / uneven * (scores * scores).sum()
    by_blocks = (total + _PRIOR_FREEDOM * variance) / (degrees + _PRIOR_FREEDOM - 2)
    area_shares = np.zeros((count, POSE_SIZE, POSE_SIZE))
    area_scores = np.zeros((count, POSE_SIZE))
    for n in range(len(shares)):
        area_shares[areas[n]] += shares[n]
        area_scores[areas[n]] += scores[n]
    left = _left(area_shares)
    if not left > _LEAST_FREEDOM:
        return by_blocks
    return max(by_blocks, _AREAS_COUNT * (area_scores * area_scores).sum() / left)


@kernel()
def _left(shares: Any) -> float:
    """Return the mean sum of squared scores after the fit, if it is 6 before.

    :param shares: [N, 6, 6], covariances of the scores; their sum is the identity. The fit takes
        from each score its share of the sum of all: of a single one it leaves nothing.
    """
    return np.trace(shares.sum(0)) - (shares * shares).sum()


@kernel()
def _uneven(shares: Any) -> float:
    """Return half the variance of what `_left` returns the mean of."""
    rows = shares.reshape(-1, POSE_SIZE)
    squares = rows.T @ rows
    cubes = 0.0
    for n in range(len(shares)):
        for i in range(POSE_SIZE):
            for j in range(POSE_SIZE):
                for k in range(POSE_SIZE):
                    cubes += shares[n, i, j] * shares[n, j, k] * shares[n, k, i]
    return np.trace(squares) - 2 * cubes + (squares * squares).sum()


@kernel()
def _inverse_bread(information: Any, curvature: Any, blocks: Any) -> Any:
    """Return the inverse [6, 6] of the loss's curvature, in units of the root of the system.

    :param information: [6, 6], of shifts of the blocks. :param curvature: [6, 6], theirs.
    """
    flatness = blocks[:, CURVATURE].sum() + blocks[:, CURVATURE + 3].sum()
    flatness /= max(blocks[:, RENDER].sum() + blocks[:, RENDER + 2].sum(), 1e-12)
    flatness = min(max(flatness, _FLATTEST), 1 / _FLATTEST)
    floor = (_UNOBSERVED * np.trace(information) + 1e-12) * np.eye(POSE_SIZE)
    ratio = np.linalg.solve(information + floor, curvature + flatness * floor)
    departure = 0.5 * (ratio + ratio.T) / flatness
    for i in range(POSE_SIZE):
        departure[i, i] -= 1
    # Limited, so that it stays positive definite even if the image hardly agrees with the render.
    length = math.sqrt((departure * departure).sum())
    departure *= min(1.0, _MOST_DEPARTURE / max(length, 1e-12))
    for i in range(POSE_SIZE):
        departure[i, i] += 1
    return np.linalg.inv(departure) / flatness
