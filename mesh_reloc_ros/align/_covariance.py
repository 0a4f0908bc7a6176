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

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.lm import NormalEquations, Solution
from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.block_sums import sum_blocks
from mesh_reloc_ros.kernels.covariance import pose_covariances
from mesh_reloc_ros.kernels.layout import FIGURES
from mesh_reloc_ros.kernels.map_error import MapError
from mesh_reloc_ros.types import Array

# Smaller variances of residuals, as of an image without noise, are not believed.
_LEAST_VARIANCE = 1e-8


@dataclass(frozen=True)
class BlockSums:
    """What is known of every block of points at a solution."""

    figures: Array
    """[B, blocks, FIGURES]; see `kernels.layout`."""
    variance: NDArray[np.float64]
    """[B], of one residual."""

    @classmethod
    def of(cls, figures: Array, system: NormalEquations) -> BlockSums:
        """Take over figures, with the variance of a system."""
        return cls(figures, np.maximum(system.variance, _LEAST_VARIANCE))


def pose_covariance(
    blocks: BlockSums, level: ImageLevel, solution: Solution, map_error: MapError
) -> Tensor:
    """Return the covariance [B, 6, 6] of the twist of solutions, float64.

    :param level: the level that was aligned last.
    """
    return torch.from_numpy(
        pose_covariances(
            solution.system.hessian, blocks.figures, blocks.variance, level.live, map_error
        )
    )


def block_figures(surface: SurfacePoints, level: ImageLevel, solution: Solution) -> Array:
    """Return the figures of every block of points at a solution, [B, blocks, FIGURES]."""
    batch, count = surface.weights.shape
    figures = np.empty((batch, -(-count // surface.block_size), FIGURES))
    poses, exposure = solution.live_T_keyframe.numpy(), solution.exposure.double().numpy()
    sum_blocks(surface.template, level.live, poses, exposure, solution.robust_scale, figures)
    return figures
