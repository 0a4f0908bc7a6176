"""Grey images: a camera without colours is compared with a mesh without colours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# What each of R, G, B adds to the brightness, as cameras and OpenCV have it (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)
# Every so many pixels are looked at, and differ by no more than this on the average, of 255.
_STRIDE, _SAME = 8, 1.0
# Noise in the dark tells nothing.
_FLAT = 3.0


def greyed(colours: Tensor) -> Tensor:
    """Return colours [..., 3] with the brightness in each channel."""
    luma = torch.tensor(_LUMA, dtype=colours.dtype, device=colours.device)
    return (colours @ luma)[..., None].expand(colours.shape).contiguous()


def greyed_bytes(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours [..., 3] of 0 to 255 with the brightness in each channel.

    What is not black stays so.
    """
    brightness = np.ceil(colours @ np.array(_LUMA, np.float32)).clip(0, 255).astype(np.uint8)
    return np.repeat(brightness[..., None], 3, axis=-1)


def shows_grey(image: NDArray[np.uint8]) -> bool | None:
    """Whether an image [H, W, 3] is without colours; None where it shows too little to tell."""
    sample = image[::_STRIDE, ::_STRIDE].astype(np.int16)
    if sample.std() < _FLAT:
        return None
    return bool((sample.max(-1) - sample.min(-1)).mean() < _SAME)
