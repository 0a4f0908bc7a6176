"""Grey images: compared with renders that show brightness only."""

from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.device import constant
from mesh_reloc_ros.types.frame import Frame

# Contribution of R, G and B to brightness, as in cameras and OpenCV (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)
# An image is grey if its channels differ by less than this on average, of 255, in a sparse sample.
_STRIDE, _SAME = 16, 1.0
# A sample with a smaller standard deviation, of 255, shows only noise.
_FLAT = 3.0


def greyed(colours: Tensor) -> Tensor:
    """Return colours [..., 3] with the brightness in each channel."""
    return (
        (colours @ _luma(colours.dtype, colours.device))[..., None]
        .expand(colours.shape)
        .contiguous()
    )


@functools.cache
def _luma(dtype: torch.dtype, device: torch.device) -> Tensor:
    return constant(torch.tensor(_LUMA, dtype=dtype), device)


def greyed_bytes(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours [..., 3] of 0 to 255 with the brightness in each channel.

    Only black becomes black.
    """
    brightness = np.ceil(colours @ np.array(_LUMA, np.float32)).clip(0, 255).astype(np.uint8)
    return np.repeat(brightness[..., None], 3, axis=-1)


def shows_grey(image: NDArray[np.uint8]) -> bool | None:
    """Whether an RGB image [H, W, 3] is grey; None if it is too dark or flat to decide."""
    sample = np.ascontiguousarray(image[::_STRIDE, ::_STRIDE])
    if cv2.meanStdDev(sample.reshape(len(sample), -1))[1][0, 0] < _FLAT:
        return None
    # NumPy takes five times as long to compare the channels.
    red, green, blue = cv2.split(sample)
    brightest, darkest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return bool(cv2.mean(brightest - darkest)[0] < _SAME)


def with_colour_mode(frame: Frame, mesh_is_grey: bool, default: bool = False) -> Frame:
    """Return the frame with `is_grey` set: as given, else as the image shows, else the default.

    :param mesh_is_grey: the image is made grey as well.
    """
    if mesh_is_grey and not frame.is_grey:
        return dataclasses.replace(frame, image=greyed_bytes(frame.image), is_grey=True)
    if frame.is_grey is not None:
        return frame
    shown = shows_grey(frame.image)
    return dataclasses.replace(frame, is_grey=default if shown is None else shown)
