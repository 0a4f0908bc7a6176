"""The covariance of an aligned pose, from how the blocks of the image disagree.

Residuals of neighbouring pixels err together: noise is textured, edges are a little out of place.
How much together is not known, so it is not assumed. The pose is where the gradients of the loss by
all blocks of points add up to zero; how those gradients scatter tells how far their sum could be
off (the "sandwich" of P. Huber, "The behavior of maximum likelihood estimates under nonstandard
conditions", 1967, with blocks for clusters as in K.-Y. Liang and S. Zeger, "Longitudinal data
analysis using generalized linear models", Biometrika 73, 1986):

    covariance = A^-1 B A^-T

with B the variance of the sum, and A the derivative of the gradient with respect to the pose. See
docs/method.md.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.lm import Solution, block_prior
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels import covariance as kernels
from mesh_reloc_ros.kernels.block_sums import FIGURES, sum_blocks

# An area is a square of this share of the image's longer side.
_AREA = 1 / 4
# Between pixels the image is taken as linear, which misplaces an area by so much, 1 sigma.
_RESAMPLED_PX = 0.007
# Residuals of less, as of an image without noise, are not believed.
_LEAST_VARIANCE = 1e-8


def pose_covariance(
    surface: SurfacePoints, level: ImageLevel, solution: Solution, misplaced: float
) -> Tensor:
    """Return the covariance [B, 6, 6] of the twist of solutions, float64.

    :param level: the level that was aligned last.
    :param misplaced: position error of areas of the mesh, relative to their distance, 1 sigma: no
        image shows it.
    """
    camera = level.camera
    blocks = block_sums(surface, level, solution)
    variances = np.maximum(solution.system.variance, _LEAST_VARIANCE).tolist()
    intrinsics = camera.fx, camera.fy, camera.cx, camera.cy
    area_px = _AREA * max(camera.width, camera.height)
    misplaced = math.hypot(misplaced, _RESAMPLED_PX / camera.fx)
    covariances = [
        kernels.pose_covariance(system, figures, intrinsics, area_px, misplaced, variance)
        for system, figures, variance in zip(
            solution.system.hessian, blocks, variances, strict=True
        )
    ]
    return torch.from_numpy(np.stack(covariances))


def block_sums(
    surface: SurfacePoints, level: ImageLevel, solution: Solution
) -> NDArray[np.float64]:
    """Return the figures [B, blocks, FIGURES] of every block of points."""
    batch, count = surface.weights.shape
    camera, exposure = level.camera, solution.exposure.double()
    blocks = np.empty((batch, -(-count // surface.block_size), FIGURES))
    for b in range(batch):
        sum_blocks(
            surface.points[b],
            surface.colours[b],
            surface.gradients[b],
            surface.weights[b],
            surface.block_size,
            level.image,
            (camera.fx, camera.fy, camera.cx, camera.cy),
            solution.live_T_keyframe[b].numpy(),
            exposure[b].numpy(),
            solution.robust_scale,
            block_prior(solution.robust_scale),
            blocks[b],
        )
    return blocks
