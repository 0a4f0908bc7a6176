"""What is known of a pose once a solver is done: covariance, score, inliers."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.alignment.keyframe import Keyframe
from mesh_reloc_ros.alignment.lm import Solution
from mesh_reloc_ros.alignment.normal_equations import NormalEquations
from mesh_reloc_ros.alignment.score import correlation
from mesh_reloc_ros.geometry import se3


def assess(
    keyframe: Keyframe,
    images: list[Tensor],
    solution: Solution,
    covariance_scale: float,
) -> Alignment:
    """Judge the poses that a solver has found.

    :param images: the live image's levels [H, W, 3], from the full image on.
    :param covariance_scale: see the settings.
    """
    score = correlation(
        keyframe.everything.surface,
        images[keyframe.everything.number],
        keyframe.everything.camera,
        solution.delta,
    )
    system = solution.system
    poses = se3.normalized(keyframe.map_T_camera @ se3.inverse(solution.delta))
    return Alignment(
        map_T_camera=poses.cpu(),
        covariance=(covariance_scale * _covariance(system)).cpu(),
        exposure=solution.exposure.cpu(),
        score=score.cpu(),
        inlier_ratio=(system.inliers / system.chosen.clamp(min=1e-9)).cpu(),
        coverage=keyframe.coverage.cpu(),
        iterations=solution.iterations,
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
