"""What is known of a pose once a solver is done: covariance, score, inliers."""

from __future__ import annotations

import math

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.covariance import pose_covariance
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.score import correlation
from mesh_reloc_ros.types import se3

# How far areas of a mesh are out of place, relative to their distance, 1 sigma, at a
# `map_error_scale` of 1: as it is in a kitchen that was fused from a depth camera's images.
_MISPLACED = 1e-3


def assess(
    keyframe: Keyframe,
    images: list[Tensor],
    solution: Solution,
    map_error_scale: float,
) -> Alignment:
    """PoseValidator the poses that a solver has found.

    :param keyframe: its finest level is the one that was aligned last.
    :param images: the live image's levels [H, W, 3], from the full image on.
    :param map_error_scale: see the settings.
    """
    score = correlation(
        keyframe.score_level.surface,
        images[keyframe.score_level.number],
        keyframe.score_level.camera,
        solution.delta,
    )
    system, finest = solution.system, keyframe.levels[0]
    poses = se3.normalized(keyframe.map_T_camera @ se3.inverse(solution.delta))
    return Alignment(
        map_T_camera=poses.cpu(),
        covariance=pose_covariance(
            finest.surface,
            images[finest.number],
            finest.camera,
            solution,
            _MISPLACED * math.sqrt(map_error_scale),
        ),
        exposure=solution.exposure.cpu(),
        score=score.cpu(),
        inlier_ratio=(system.inliers / system.chosen.clamp(min=1e-9)).cpu(),
        coverage=keyframe.coverage.cpu(),
        iterations=solution.iterations,
    )
