"""How well a render agrees with the image, on a scale that does not depend on the exposure."""

from __future__ import annotations

import torch
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels import score as kernels

# With fewer blocks that count, the score is 0.
_MIN_BLOCKS = 5
# More blocks than this share of all do not make a pose likelier.
_FULL_SHARE = 0.3


def median_correlation(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the median over the blocks that count [B], and their number [B].

    With the median, an object that covers a part of the view does not lower the score. It is 0 if
    too little is seen.

    :param blocks: [B, blocks]; see `block_correlations`.
    """
    count = (~blocks.isnan()).sum(1)
    return torch.where(count >= _MIN_BLOCKS, blocks.nanmedian(dim=1).values, 0.0), count


def mean_correlation(blocks: Tensor) -> Tensor:
    """Return the mean over the blocks that count [B], reduced if these are few.

    It ranks poses that are far apart: a few blocks agree by chance, many do not.

    :param blocks: [B, blocks]; see `block_correlations`.
    """
    share = (~blocks.isnan()).to(torch.float32).mean(1)
    return blocks.nanmean(dim=1).nan_to_num(0.0) * (share / _FULL_SHARE).clamp(max=1)


def block_correlations(
    surface: SurfacePoints, level: ImageLevel, live_T_keyframe: Tensor, exposure: Tensor
) -> Tensor:
    """Return the correlation of render and image in each block [B, blocks], NaN if undefined.

    Each block is compared by zero-mean normalized correlation (NCC) of its colours, so that
    local differences in lighting do not matter. It is undefined where little mesh is seen or where
    the render has no contrast.

    :param surface: every pixel of a render with the level's camera, in order.
    :param live_T_keyframe: [B, 4, 4] float64, rendering camera to live camera.
    :param exposure: [B, 6], tells which colours are beyond the limit of the image.
    """
    found = kernels.block_correlations(
        surface.template, level.live, live_T_keyframe.numpy(), exposure.double().numpy()
    )
    return torch.from_numpy(found).to(torch.float32)
