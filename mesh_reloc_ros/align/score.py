"""How well a render agrees with the image, on a scale that does not depend on the exposure."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.residual import sample_live
from mesh_reloc_ros.kernels import score as score_cpu
from mesh_reloc_ros.types.camera import Camera

# Blocks of this many pixels a side are compared one by one.
_BLOCK = 8
# A block says something if so much of it is seen, and if its render varies by more than this.
_MIN_SEEN, _MIN_DEVIATION = 0.3, 0.015
# Without so many blocks that say something there is no score.
_MIN_BLOCKS = 5
# From so many of all blocks on, more of them do not make a pose likelier.
_FULL_SHARE = 0.3


def correlation(surface: SurfacePoints, image: Tensor, camera: Camera, delta: Tensor) -> Tensor:
    """Return the median over the image's blocks [B] of the correlation of render and image.

    So what covers a part of the view does not count against the rest. 0 where too little is seen.
    See `block_correlations` for the parameters.
    """
    blocks = block_correlations(surface, image, camera, delta)
    enough = (~blocks.isnan()).sum(1) >= _MIN_BLOCKS
    return torch.where(enough, blocks.nanmedian(dim=1).values, 0.0)


def mean_block_ncc(surface: SurfacePoints, image: Tensor, camera: Camera, delta: Tensor) -> Tensor:
    """Return the mean over the image's blocks [B], less where few of them say something.

    It ranks poses that are far apart: chance makes a few blocks agree, but not many. See
    `block_correlations` for the parameters.
    """
    blocks = block_correlations(surface, image, camera, delta)
    share = (~blocks.isnan()).to(torch.float32).mean(1)
    return blocks.nanmean(dim=1).nan_to_num(0.0) * (share / _FULL_SHARE).clamp(max=1)


def block_correlations(
    surface: SurfacePoints, image: Tensor, camera: Camera, delta: Tensor
) -> Tensor:
    """Return the correlation of render and image in each block [B, blocks], NaN where none is.

    Each block is compared by zero-mean normalised correlation of its colours, so that light that
    differs from place to place does not count. There is none where little mesh is seen or where
    the render has no contrast. On the CPU by one compiled pass, elsewhere by tensor operations.

    :param surface: every pixel of the render, in order. :param image: [H, W, 3] of 0 to 255.
    :param delta: [B, 4, 4], rendering camera to live camera.
    """
    if image.device.type != 'cpu':
        return block_correlations_by_tensors(surface, image, camera, delta)
    blocks = [
        score_cpu.block_correlations(
            surface.points[b].numpy(),
            surface.colours[b].numpy(),
            surface.weights[b].numpy(),
            camera.width,
            image.numpy(),
            (camera.fx, camera.fy, camera.cx, camera.cy),
            delta[b].numpy(),
            _BLOCK,
            _MIN_SEEN,
            _MIN_DEVIATION,
        )
        for b in range(len(delta))
    ]
    return torch.from_numpy(np.stack(blocks)).to(torch.float32)


def block_correlations_by_tensors(
    surface: SurfacePoints, image: Tensor, camera: Camera, delta: Tensor
) -> Tensor:
    """Do what `block_correlations` does by tensor operations, on any device."""
    samples = sample_live(delta, surface.points, image, camera)
    seen = surface.weights * samples.inside

    def block_mean(values: Tensor) -> Tensor:
        """Return the mean per block, [B, C, blocks], of values [B, N, C]."""
        maps = values.transpose(1, 2).reshape(len(values), -1, camera.height, camera.width)
        return functional.avg_pool2d(maps, _BLOCK, ceil_mode=True).flatten(2)

    share = block_mean(seen[..., None])
    weight = seen[..., None]
    rendered, live = surface.colours, samples.colours

    def covariance(first: Tensor, second: Tensor) -> Tensor:
        """Return the covariance within each block [B, blocks], summed over the channels."""
        scale = 1 / share.clamp(min=1e-6)
        product = scale * block_mean(weight * first * second)
        means = scale * block_mean(weight * first) * scale * block_mean(weight * second)
        return (product - means).sum(1)

    variance = covariance(rendered, rendered)
    length = (variance * covariance(live, live)).clamp(min=1e-12).sqrt()
    telling = (share[:, 0] >= _MIN_SEEN) & (variance > 3 * _MIN_DEVIATION**2)
    return (covariance(rendered, live) / length).masked_fill(~telling, float('nan'))
