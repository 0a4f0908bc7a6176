"""The exposure model: how the colours of a render become those of the live image.

    live = alpha * render + beta        per channel

so the derivatives with respect to alpha and beta are the render's colour and 1.

A texture is baked from photographs of several exposures, and lighting changes. So every block of
points has a gain and an offset of its channels on top, which are small and are eliminated from the
normal equations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel
from mesh_reloc_ros.kernels.layout import CHANNELS

_ALPHA, _BETA = 0, CHANNELS
ALPHA = slice(_ALPHA, _BETA)
"""Where the gains of an exposure are."""
NEUTRAL = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
"""[EXPOSURE_SIZE], of an image that looks as the mesh's texture does."""
# A weak prior towards neutral, as 1 sigma. It matters only where the image has too little contrast
# to tell alpha and beta apart.
SIGMA = np.array([1.0, 1.0, 1.0, 0.5, 0.5, 0.5])
# How much the exposure of a block differs from that of the image, 1 sigma.
BLOCK_GAIN_SIGMA, BLOCK_OFFSET_SIGMA = 0.2, 0.1


def expose(exposure: Any, colour: Any, channel: int) -> Any:
    """Return a render's colour as the live image has it, under an exposure [EXPOSURE_SIZE, ...].

    For tensors and arrays; `exposed` is the same, compiled.
    """
    return exposure[_ALPHA + channel] * colour + exposure[_BETA + channel]


exposed = kernel(fastmath=True)(expose)


@kernel(fastmath=True)
def contrast(exposure: Any, colour: float, channel: int) -> Any:
    """Return the derivative of `exposed` with respect to the colour."""
    return exposure[_ALPHA + channel]


@kernel()
def exposure_prior(robust_scale: float) -> Any:
    """Return the weights [EXPOSURE_SIZE] of the prior, for residuals of a robust scale."""
    return (robust_scale / SIGMA) ** 2


@kernel()
def block_prior(robust_scale: float) -> Any:
    """Return the weights of the prior of a block's gain and offset towards neutral."""
    return (robust_scale / BLOCK_GAIN_SIGMA) ** 2, (robust_scale / BLOCK_OFFSET_SIGMA) ** 2
