"""The quality of a pose that a solver has found: covariance, score, inliers."""

from __future__ import annotations

import math

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.covariance import block_sums, pose_covariance
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.lm import Solution
from mesh_reloc_ros.align.motions import moved_back
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.score import correlation
from mesh_reloc_ros.kernels.covariance import MapError

# Position error of cells of a mesh, 1 sigma, at a `map_error_scale` of 1: relative to the distance,
# measured in a kitchen that was fused from a depth camera's images; and at most in texels, as the
# texture tells from how near the surface was photographed.
MISPLACED, _MISPLACED_TEXELS = 2e-3, 2.6
# Neighbouring cells are displaced together, too, which a narrow view takes for another pose.
_NARROW_ERROR = 2.0


def assess(
    keyframe: Keyframe, pyramid: list[ImageLevel], solution: Solution, map_error_scale: float
) -> Alignment:
    """Return the poses that a solver has found, with their quality.

    :param keyframe: its finest level is the one that was aligned last.
    :param pyramid: the live image's levels, from the full image on.
    :param map_error_scale: see the settings.
    """
    score_level, finest = keyframe.score_level, keyframe.levels[0]
    system, scale = solution.system, math.sqrt(map_error_scale)
    if keyframe.camera.is_narrow:
        scale *= _NARROW_ERROR
    poses = moved_back(keyframe.map_T_camera, solution.live_T_keyframe)
    score, score_blocks = correlation(
        score_level.surface,
        pyramid[score_level.number],
        solution.live_T_keyframe,
        solution.exposure,
    )
    live = pyramid[finest.number]
    blocks = block_sums(finest.surface, live, solution)
    map_error = MapError(scale * MISPLACED, scale * _MISPLACED_TEXELS * keyframe.texel_size)
    return Alignment(
        map_T_camera=poses,
        covariance=pose_covariance(blocks, live, solution, map_error),
        exposure=solution.exposure,
        score=score,
        score_blocks=score_blocks,
        inlier_ratio=torch.from_numpy(system.inliers / np.maximum(system.usable, 1e-9)),
        in_view=torch.from_numpy(np.minimum(system.seen / np.maximum(system.usable, 1e-9), 1.0)),
        coverage=keyframe.coverage,
        distance=torch.from_numpy(finest.surface.median_depth),
        iterations=solution.iterations,
        blocks=blocks,
    )
