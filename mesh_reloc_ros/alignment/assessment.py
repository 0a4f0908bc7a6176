"""What is known of a pose once a solver is done: covariance, score, inliers."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.alignment.normal_equations import NormalEquations
from mesh_reloc_ros.alignment.points import all_points
from mesh_reloc_ros.alignment.pyramid import RenderLevel
from mesh_reloc_ros.alignment.score import correlation
from mesh_reloc_ros.geometry import se3

# Levels above the finest at which the score is taken: coarse enough not to mind a pixel.
_SCORE_LEVEL = 2


def assess(
    renders: list[RenderLevel],
    images: list[Tensor],
    rendered_from: Tensor,
    delta: Tensor,
    exposure: Tensor,
    system: NormalEquations,
    iterations: int,
    covariance_scale: float,
) -> Alignment:
    """Judge the poses that a solver has found.

    :param renders: finest first, from poses `rendered_from` [B, 4, 4] (map_T_camera).
    :param images: the live image's levels [H, W, 3], as the renders.
    :param delta: [B, 4, 4], motion from the rendering camera to the live camera.
    :param exposure: [B, 6]. :param system: the normal equations at the solution.
    """
    level = min(_SCORE_LEVEL, len(renders) - 1)
    surface = all_points(renders[level])
    score = correlation(surface, images[level], renders[level].camera, delta)
    coverage = renders[0].mask.to(torch.float32).mean((1, 2, 3))
    return Alignment(
        map_T_camera=se3.normalized(rendered_from @ se3.inverse(delta)).cpu(),
        covariance=(covariance_scale * _covariance(system)).cpu(),
        exposure=exposure.cpu(),
        score=score.cpu(),
        inlier_ratio=(system.inliers / system.chosen.clamp(min=1e-9)).cpu(),
        coverage=coverage.cpu(),
        iterations=iterations,
    )


def _covariance(system: NormalEquations) -> Tensor:
    """Return the covariance [B, 6, 6] of the pose, with the exposure marginalised (Schur)."""
    hessian = system.hessian
    pose, cross, exposure = hessian[:, :6, :6], hessian[:, :6, 6:], hessian[:, 6:, 6:]
    # Keeps what the image does not tell at a large variance, instead of none.
    floor = 1e-6 * torch.eye(6, dtype=hessian.dtype, device=hessian.device)
    information = pose - cross @ torch.linalg.solve(exposure + floor, cross.transpose(1, 2))
    inverse = torch.linalg.pinv(information + floor, hermitian=True)
    return system.variance.clamp(min=1e-8)[:, None, None] * inverse
