"""Overexposed images: many of their colours are at the limit, where they say little.

The rank of the others remains: the darkest tenth of the image shows the darkest tenth of the mesh,
even if the pose is not quite right. So quantiles tell the exposure, and with it the colours of the
mesh that are at the limit. Renders are clipped there before pixels are averaged, as the camera
does. Then the outlines of what is clipped tell the pose, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.photometric import LIMIT
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

# Image and render are compared in as many pixels as a level has whose shorter side has this many.
_SHORTER_SIDE_PX = 120
# An image is overexposed if more than this share of the colours of the mesh is at the limit. It is
# likely to be if the second share of all colours is, which every n-th row and column tell.
_LEAST_SHARE, _MOST, _STRIDE = 0.25, 0.6, 8
# Colours below this are at the lower limit.
_DARKEST = 3 / 255
# A channel with a smaller share of colours between its limits is taken for clipped everywhere.
_LEAST_KNOWN = 0.01
# Bounds of the gain.
_GAINS = (0.2, 50.0)


class Overexposure(NamedTuple):
    """How an image is exposed, and which colours it shows."""

    exposure: Tensor
    """[1, 6]; see `Alignment.exposure`."""
    ceiling: Tensor
    """[3], colours of the mesh, 0 to 1, beyond which the channels are at their limit."""


def is_mostly_clipped(image: NDArray[np.uint8]) -> bool:
    """Whether most colours of an image [H, W, 3] are at the limit."""
    return bool((image[::_STRIDE, ::_STRIDE] > 255 * LIMIT).mean() > _MOST)


def find_overexposure(
    scene: Scene, pyramid: Sequence[ImageLevel], map_T_camera: Tensor, *, grey: bool = False
) -> Overexposure | None:
    """Return how an overexposed image is exposed; None if it is not, or if the mesh is not seen.

    :param pyramid: all levels of the image. :param map_T_camera: [1, 4, 4], roughly the right pose.
    """
    full = pyramid[0]
    number = full.camera.coarsest_level(_SHORTER_SIDE_PX)
    sample = np.s_[(1 << number) // 2 :: 1 << number]
    camera = full.camera.at_level(number)
    bytes_ = full.image[sample, sample][: camera.height, : camera.width]
    image = bytes_.astype(np.float32) / 255
    render = scene.render(map_T_camera, camera, grey=grey)
    seen = render.mask[0].cpu().numpy()
    if full.usable is not None:
        seen &= full.usable[sample, sample][: camera.height, : camera.width] > 0
    # What is beside the mesh, as a bright sky, does not matter.
    if not seen.any() or (image[seen] > LIMIT).mean() < _LEAST_SHARE:
        return None
    rendered = render.colour[0].cpu().numpy()[seen]
    lines = [_line(rendered[:, c], image[seen][:, c]) for c in range(3)]
    gains, offsets = torch.tensor(lines, dtype=torch.float32).T
    ceiling = ((1 - offsets) / gains).clamp(min=0)
    return Overexposure(torch.cat((gains, offsets))[None], ceiling)


def _line(rendered: NDArray[np.float32], shown: NDArray[np.float32]) -> tuple[float, float]:
    """Return gain and offset between the quantiles of colours [N] that are not at their limits."""
    rendered, shown = np.sort(rendered), np.sort(shown)
    known = (shown > _DARKEST) & (shown <= LIMIT)
    if known.mean() < _LEAST_KNOWN:
        return 1.0, 1.0
    x, y = rendered[known].astype(np.float64), shown[known].astype(np.float64)
    gain = np.cov(x, y)[0, 1] / max(x.var(), 1e-9)
    gain = float(np.clip(gain, *_GAINS))
    return gain, float(y.mean() - gain * x.mean())


def clipped_colours(
    scene: Scene,
    map_T_camera: Tensor,
    fine: Camera,
    levels_above: int,
    ceiling: Tensor,
    *,
    grey: bool = False,
) -> Tensor:
    """Return the colours [B, H, W, 3] of renders that are clipped and then halved.

    :param map_T_camera: [B, 4, 4]. :param fine: the camera, before images are halved.
    :param levels_above: how often they are.
    """
    colour = scene.render(map_T_camera, fine, grey=grey).colour
    colour = torch.minimum(colour, ceiling).permute(0, 3, 1, 2)
    for _ in range(levels_above):
        colour = functional.avg_pool2d(colour, 2)
    return colour.permute(0, 2, 3, 1)
