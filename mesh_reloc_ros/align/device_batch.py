"""Many poses of one image aligned on the GPU, and ranked there, as one batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mesh_reloc_ros.align._device_solver import (
    STATE_SIZE,
    DeviceImage,
    DeviceLevel,
    block_correlations,
    level_numbers,
    run_levels,
    start_state,
)
from mesh_reloc_ros.align.points import PointTensors
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.score import mean_correlation
from mesh_reloc_ros.device import to_host
from mesh_reloc_ros.kernels.gpu import TritonError, layout
from mesh_reloc_ros.kernels.layout import EXPOSURE_SIZE, POSE_SIZE, TRANSLATION
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import Array


class RankedBatch(NamedTuple):
    """Poses of B renders, aligned. In main memory."""

    live_T_keyframe: Tensor
    """[B, 4, 4] float64."""
    exposure: Tensor
    """[B, 6]."""
    score: Tensor
    """[B]; see `mean_correlation`."""
    distance: Tensor
    """[B], metres, median depth of the points."""


def solve_batch_on_device(
    points: PointTensors,
    view: PointTensors,
    level: ImageLevel,
    exposure: Tensor,
    options: SolverOptions,
) -> RankedBatch:
    """Align renders of the image's level, each from where it was rendered.

    :param points: of the renders, on the GPU. :param view: every pixel of them.
    :param exposure: [B, 6], in main memory.
    """
    try:
        return _solved(points, view, level, exposure, options)
    except TritonError as error:
        raise RuntimeError(f'Triton: {error}') from error


def _solved(
    points: PointTensors,
    view: PointTensors,
    level: ImageLevel,
    exposure: Tensor,
    options: SolverOptions,
) -> RankedBatch:
    # Kernels walk rows of memory.
    points, view = (each.mapped(Tensor.contiguous) for each in (points, view))
    device, batch, camera = points.weights.device, len(exposure), level.camera
    still = torch.eye(4, dtype=torch.float64).repeat(batch, 1, 1)
    depth = _median_depth(points)
    per_step = torch.full((batch, POSE_SIZE), camera.fx, dtype=torch.float64, device=device)
    per_step[:, TRANSLATION] /= depth[:, None]
    scale = options.robust_scale
    numbers = torch.cat((_sent(level_numbers(camera, scale, 0.0), device), per_step.flatten()))
    usable = None if level.usable is None else torch.from_numpy(level.usable).to(device)
    image = DeviceImage(torch.from_numpy(level.image).to(device), usable)
    state = _sent(start_state(still, exposure), device)
    # The robust scale does not grow with the gain.
    run_levels([DeviceLevel(points, image, numbers, camera, options)], state, largest_gain=1.0)
    score = mean_correlation(block_correlations(view, image, numbers, state))
    of_pose, of_exposure = layout.POSE.value, layout.EXPOSURE.value
    states = state.reshape(batch, STATE_SIZE)
    found = states[:, of_pose : of_pose + 16], states[:, of_exposure : of_exposure + EXPOSURE_SIZE]
    arrays = to_host([values.to(torch.float32) for values in (*found, score, depth)])
    poses, exposures, scores, depths = map(torch.from_numpy, arrays)
    return RankedBatch(poses.double().reshape(-1, 4, 4), exposures, scores, depths.double())


def _median_depth(points: PointTensors) -> Tensor:
    """Return what `SurfacePoints.median_depth` is, [B] float64, on the device."""
    depth = torch.where(points.weights == 0, torch.nan, points.points[..., 2])
    return depth.nanmedian(dim=1).values.nan_to_num(1.0).double()


def _sent(numbers: Array, device: torch.device) -> Tensor:
    return torch.from_numpy(numbers).to(device)
