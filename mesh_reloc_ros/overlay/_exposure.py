"""Match the exposure of a render to an image: a gain and an offset per channel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.overlay.view import Image, Map, Mask

_Samples = NDArray[np.float32]
"""[N, 3]."""

# Approximate number of pixels sampled, and the fewest that are sufficient.
_SAMPLES, _LEAST = 5000, 50
# Image intensities outside this range count as clipped.
_DARKEST, _BRIGHTEST = 3, 252
_SMALLEST_GAIN, _LARGEST_GAIN = 0.2, 5.0
_ROUNDS = 5


def matched(render: Map, image: Image, covered: Mask) -> Map:
    """Return the render with the exposure of the image.

    :param render: [H, W, 3], 0 to 255. :param image: [H, W, 3]. :param covered: mask of the mesh.
    :returns: [H, W, 3], 0 to 255; 0 outside the mesh.
    """
    step = max(math.isqrt(covered.size // _SAMPLES), 1)
    seen = covered[::step, ::step]
    pixels = image[::step, ::step][seen].astype(np.float32)
    gain, offset = gain_and_offset(render[::step, ::step][seen], pixels)
    return np.clip(render * gain + offset, 0.0, 255.0) * covered[..., None]


def gain_and_offset(render: _Samples, image: _Samples) -> tuple[_Samples, _Samples]:
    """Return gain [3] and offset [3] from the colours [N, 3] of the render to those of the image.

    They match mean and standard deviation. Unlike least squares, this does not reduce the gain if
    the two are slightly misaligned. Outliers, such as objects that are not in the mesh, are removed
    and the rest is fitted again.
    """
    gain, offset = np.ones(3, np.float32), np.zeros(3, np.float32)
    usable = ((image > _DARKEST) & (image < _BRIGHTEST)).all(1)
    render, image = render[usable], image[usable]
    if len(render) < _LEAST:
        return gain, offset
    offset = np.median(image, axis=0) - np.median(render, axis=0)
    for _ in range(_ROUNDS):
        misfit = np.abs(gain * render + offset - image).sum(1)
        fits = misfit <= 1.5 * np.median(misfit)
        own, wanted = render[fits], image[fits]
        gain = wanted.std(0) / np.maximum(own.std(0), 1.0)
        gain = np.clip(gain, _SMALLEST_GAIN, _LARGEST_GAIN)
        offset = wanted.mean(0) - gain * own.mean(0)
    return gain, offset
