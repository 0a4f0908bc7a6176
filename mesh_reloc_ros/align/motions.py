"""Motions between poses of cameras: batches of tensors in main memory."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.kernels import se3


def between(first: Tensor, second: Tensor) -> Tensor:
    """Return the motions [B, 4, 4] `first^-1 second` between poses [B, 4, 4] float64."""
    return _inverse(first) @ second


def moved_back(poses: Tensor, motions: Tensor) -> Tensor:
    """Return `poses motions^-1` [B, 4, 4], without the rounding errors of products."""
    return torch.from_numpy(se3.normalized((poses @ _inverse(motions)).numpy()))


def _inverse(motions: Tensor) -> Tensor:
    return torch.from_numpy(se3.inverse(motions.contiguous().numpy()))
