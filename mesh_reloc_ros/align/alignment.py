"""The result of an alignment, and the two ways to align."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align._covariance import BlockSums
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.kernels.exposure import NEUTRAL
from mesh_reloc_ros.types import Array


class AlignMode(Enum):
    """How far the start pose may be from the solution."""

    TRACK = 'track'
    """Near: a prediction. One render is enough, and a keyframe from nearby can replace it."""
    COARSE = 'coarse'
    """Far: a guess. Coarse to fine, with new renders on each level until the pose settles."""


class Disturbance(Enum):
    """Why an image differs from the mesh, though the pose is right."""

    OVEREXPOSURE = 'overexposure'
    SHADOWS = 'shadows'
    COVER = 'cover'
    """Something in the way."""


@dataclass(frozen=True)
class Alignment:
    """Poses of one image, from a batch of B starts. All tensors are on the CPU."""

    map_T_camera: Tensor
    """[B, 4, 4] float64, metres."""
    covariance: Tensor
    """[B, 6, 6] float64, of the twist x in `map_T_camera exp(x)` (camera frame)."""
    exposure: Tensor
    """[B, 6] float32: alpha and beta per channel; image = alpha * render + beta."""
    score: Tensor
    """[B], correlation of render and image over the visible mesh, -1 to 1."""
    score_blocks: Tensor
    """[B], number of blocks of the image that the score is the median of."""
    inlier_ratio: Tensor
    """[B], share of the chosen points that are visible in the image and agree with it."""
    in_view: Tensor
    """[B], share of the chosen points that are inside the image."""
    coverage: Tensor
    """[B], share of the image that the mesh covers."""
    distance: Tensor
    """[B], metres, median depth of the aligned points."""
    iterations: int
    """Solver steps, over all levels and renders."""
    is_converged: bool = True
    """Whether the solver has converged, within its limit of steps."""
    keyframe: Keyframe | None = None
    """What the image was aligned with last, to align the next images with; None if the solver uses
    no keyframes."""
    blocks: BlockSums | None = None
    """Of the blocks of the keyframe's points; None if the solver uses no keyframes."""
    visible: float = 1.0
    """Share of the mesh that is seen and aligned; less if something in the way was left out."""
    disturbance: Disturbance | None = None
    """What was found in the image and taken into account."""

    @property
    def pose(self) -> Array:
        """map_T_camera [4, 4] of a batch of one."""
        return np.asarray(self.map_T_camera[0].numpy())

    @property
    def pose_covariance(self) -> Array:
        """The covariance [6, 6] of a batch of one."""
        return np.asarray(self.covariance[0].numpy())

    @functools.cached_property
    def position_sigma(self) -> float:
        """Standard deviation of a single pose in the weakest direction, metres."""
        return _largest_deviation(self.pose_covariance[:3, :3])

    @functools.cached_property
    def rotation_sigma(self) -> float:
        """Standard deviation of a single pose about the weakest axis, radians."""
        return _largest_deviation(self.pose_covariance[3:, 3:])

    @property
    def agreement(self) -> float:
        """Score, inlier ratio and visible share multiplied, 0 to 1, to compare single poses."""
        both = self.score[0].clamp(min=0) * self.inlier_ratio[0] * self.visible
        return float(both.nan_to_num(0.0))

    @functools.cached_property
    def is_finite(self) -> bool:
        """Whether all poses and covariances are finite."""
        parts = self.map_T_camera.numpy(), self.covariance.numpy()
        return all(bool(np.isfinite(part).all()) for part in parts)


def neutral_exposure(batch: int) -> Tensor:
    """Return the exposure [B, 6] of images that are as bright as the mesh's texture."""
    return torch.from_numpy(NEUTRAL).float().repeat(batch, 1)


def _largest_deviation(covariance: Array) -> float:
    if not np.isfinite(covariance).all():
        return float('nan')
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))
