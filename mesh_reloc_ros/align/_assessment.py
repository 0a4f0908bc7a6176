"""The quality of a pose that a solver has found: covariance, score, inliers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from mesh_reloc_ros.align._covariance import BlockSums, block_figures, pose_covariance
from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.lm import Evidence, Solution
from mesh_reloc_ros.align.motions import moved_back
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.score import block_correlations, median_correlation
from mesh_reloc_ros.kernels.map_error import MapError

# Position error of cells of a mesh, 1 sigma, at a `map_error_scale` of 1: relative to the distance,
# measured in a kitchen that was fused from a depth camera's images; at most in texels, as the
# texture tells from how near the surface was photographed; and relative to what is left of it once
# the pose has taken up what it can, over ten meshes.
MISPLACED, _MISPLACED_TEXELS, _HIDDEN = 2e-3, 2.6, 10.0
# Neighbouring cells are displaced together, too, which a narrow view takes for another pose.
_NARROW_ERROR = 2.0


def assess(
    keyframe: Keyframe, pyramid: Sequence[ImageLevel], solution: Solution, map_error_scale: float
) -> Alignment:
    """Return the poses that a solver has found, with their quality.

    :param keyframe: its finest level is the one that was aligned last.
    :param pyramid: the live image's levels, from the full image on.
    :param map_error_scale: see the settings.
    """
    evidence = solution.evidence or _gathered(keyframe, pyramid, solution)
    finest, system, scale = keyframe.levels[0], solution.system, math.sqrt(map_error_scale)
    if keyframe.camera.is_narrow:
        scale *= _NARROW_ERROR
    score, score_blocks = median_correlation(torch.from_numpy(evidence.correlations))
    blocks = BlockSums.of(evidence.figures, system)
    texels = scale * _MISPLACED_TEXELS * keyframe.texel_size
    map_error = MapError(scale * MISPLACED, texels, scale * _HIDDEN)
    return Alignment(
        map_T_camera=moved_back(keyframe.map_T_camera, solution.live_T_keyframe),
        covariance=pose_covariance(blocks, pyramid[finest.number], solution, map_error),
        exposure=solution.exposure,
        score=score,
        score_blocks=score_blocks,
        inlier_ratio=torch.from_numpy(system.inliers / np.maximum(system.usable, 1e-9)),
        in_view=torch.from_numpy(np.minimum(system.seen / np.maximum(system.usable, 1e-9), 1.0)),
        coverage=keyframe.coverage,
        distance=torch.from_numpy(finest.surface.median_depth),
        iterations=solution.iterations,
        is_converged=not solution.is_at_limit,
        blocks=blocks,
    )


def _gathered(keyframe: Keyframe, pyramid: Sequence[ImageLevel], solution: Solution) -> Evidence:
    """Return what the blocks tell of a solution that a GPU has not judged."""
    score, finest = keyframe.score_level, keyframe.levels[0]
    pose, exposure = solution.live_T_keyframe, solution.exposure
    correlations = block_correlations(score.surface, pyramid[score.number], pose, exposure)
    figures = block_figures(finest.surface, pyramid[finest.number], solution)
    return Evidence(figures, correlations.numpy())
