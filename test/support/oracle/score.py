"""The correlation of render and image, block by block."""

import torch.nn.functional as functional
from torch import Tensor

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from support.oracle.residual import sample_live, tensors_of

BLOCK, MIN_SEEN, MIN_DEVIATION = 8, 0.3, 0.015


def block_correlations(
    surface: SurfacePoints, level: ImageLevel, live_T_keyframe: Tensor
) -> Tensor:
    """Return what `align.score.block_correlations` does, [B, blocks]."""
    samples, given = sample_live(surface, level, live_T_keyframe), tensors_of(surface)
    weight = (given.weights * samples.inside)[..., None]

    def block_mean(values: Tensor) -> Tensor:
        """Return the mean per block, [B, C, blocks], of values [B, N, C]."""
        size = level.camera.height, level.camera.width
        maps = values.transpose(1, 2).unflatten(2, size)
        return functional.avg_pool2d(maps, BLOCK, ceil_mode=True).flatten(2)

    share = block_mean(weight)
    rendered, live = given.colours, samples.colours

    def covariance(first: Tensor, second: Tensor) -> Tensor:
        """Return the covariance within each block [B, blocks], summed over the channels."""
        scale = 1 / share.clamp(min=1e-6)
        product = scale * block_mean(weight * first * second)
        means = scale * block_mean(weight * first) * scale * block_mean(weight * second)
        return (product - means).sum(1)

    variance = covariance(rendered, rendered)
    length = (variance * covariance(live, live)).clamp(min=1e-12).sqrt()
    defined = (share[:, 0] >= MIN_SEEN) & (variance > 3 * MIN_DEVIATION**2)
    return (covariance(rendered, live) / length).masked_fill(~defined, float('nan'))
