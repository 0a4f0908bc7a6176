"""Things in the way: parts of an image that do not show the mesh, though the pose is right.

Where image and render correlate, the mesh is seen. The rest is left out, as black borders are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.pyramid import ImageLevel, with_usable
from mesh_reloc_ros.render.scene import Scene

# Image and render are compared at the coarsest level whose shorter side has so many pixels, in
# windows of this width.
_SHORTER_SIDE_PX, _WINDOW_PX = 60, 5
# Windows whose render deviates by less tell nothing; those around them decide.
_LEAST_DEVIATION = 0.015
# The mesh is seen where the mean correlation of the windows around is at least this.
_LEAST_CORRELATION = 0.45
# Nothing is in the way if more than this share is seen; less than the second determines no pose.
_ALL, _LEAST_SEEN = 0.9, 0.1


def without_covers(
    scene: Scene, pyramid: Sequence[ImageLevel], map_T_camera: Tensor, *, grey: bool = False
) -> tuple[Sequence[ImageLevel], float] | None:
    """Return the levels of an image without what covers the mesh, and the share that is seen.

    None if nothing covers it, or if nearly everything does.

    :param pyramid: all levels of the image. :param map_T_camera: [1, 4, 4], nearly the right pose.
    """
    full = pyramid[0]
    live = pyramid[full.camera.coarsest_level(_SHORTER_SIDE_PX)]
    render = scene.render(map_T_camera, live.camera, grey=grey)
    counts = render.mask[0].cpu().numpy()
    if live.usable is not None:
        counts &= live.usable > 0
    rendered = np.ascontiguousarray(render.colour[0].cpu().numpy())
    image = live.image.astype(np.float32) / 255
    correlation, tells = _correlations(rendered, image, counts.astype(np.float32))
    known = _box(tells)
    mean = _box(correlation * tells) / np.maximum(known, 1e-6)
    sees = (mean >= _LEAST_CORRELATION) & (known > 0)
    share = float((sees * tells).sum() / max(float(tells.sum()), 1.0))
    if not _LEAST_SEEN < share < _ALL:
        return None
    height, width = full.image.shape[:2]
    mask = cv2.resize(sees.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_NEAREST)
    if full.usable is not None:
        mask &= full.usable
    return with_usable(pyramid, np.asarray(mask, dtype=np.uint8)), share


def _correlations(
    rendered: NDArray[np.float32], image: NDArray[np.float32], counts: NDArray[np.float32]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the correlation in the window around each pixel [H, W], and whether it tells (1)."""
    number = np.maximum(_box(counts), 1e-6)

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        return _box(values * counts) / number

    variance = live_variance = covariance = np.zeros_like(counts)
    for c in range(3):
        first, second = rendered[..., c], image[..., c]
        first_mean, second_mean = mean(first), mean(second)
        variance = variance + mean(first * first) - first_mean**2
        live_variance = live_variance + mean(second * second) - second_mean**2
        covariance = covariance + mean(first * second) - first_mean * second_mean
    correlation = covariance / np.sqrt(np.maximum(variance * live_variance, 1e-9))
    tells = (variance > 3 * _LEAST_DEVIATION**2) & (counts > 0)
    return correlation, tells.astype(np.float32)


def _box(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sum over the window around each pixel [H, W]."""
    window = (_WINDOW_PX, _WINDOW_PX)
    kept = np.ascontiguousarray(values, dtype=np.float32)
    return cv2.boxFilter(kept, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
