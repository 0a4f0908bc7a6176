"""What an alignment yields, and the one interface of the solvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.kernels.exposure import NEUTRAL
from mesh_reloc_ros.types.camera import Camera


@dataclass(frozen=True)
class Alignment:
    """Poses of one image, from a batch of B starts."""

    map_T_camera: Tensor
    """[B, 4, 4] float64 on the CPU, metres."""
    covariance: Tensor
    """[B, 6, 6] float64 on the CPU, of the twist x in `map_T_camera exp(x)` (camera frame)."""
    exposure: Tensor
    """[B, 6] float32: alpha and beta per channel; image = alpha * render + beta."""
    score: Tensor
    """[B], correlation of render and image over the visible mesh, -1 to 1."""
    inlier_ratio: Tensor
    """[B], share of the chosen points that are seen and agree."""
    coverage: Tensor
    """[B], share of the image that the mesh covers."""
    iterations: int
    """Solver steps, over all levels and renders."""


def neutral_exposure(batch: int) -> Tensor:
    """Return the exposure [B, 6] of images that look as the mesh's texture does."""
    return torch.from_numpy(NEUTRAL).float().repeat(batch, 1)


class Aligner(Protocol):
    """Brings the pose of an image from a start near by to where the render agrees with it."""

    knows_wide: bool
    """Whether `wide` makes a difference."""

    def align(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        map_T_camera: Tensor,
        exposure: Tensor | None,
        *,
        wide: bool,
        grey: bool = False,
    ) -> Alignment:
        """Align an RGB image [H, W, 3] from start poses [B, 4, 4].

        :param exposure: [B, 6] of an image shortly before, or None.
        :param wide: the start may be far off, and more time may be spent.
        :param grey: the image is grey.
        """
        ...

    def look_ahead(self, camera: Camera, map_T_camera: Tensor, grey: bool = False) -> None:
        """Do beforehand what an image expected at a pose [1, 4, 4] will need.

        It may run on a thread of its own, beside `align`.
        """
        ...
