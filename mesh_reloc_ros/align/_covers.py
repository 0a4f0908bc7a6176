"""Things in the way: parts of an image that do not show the mesh, though the pose is right.

Where image and render correlate, the mesh is seen. The rest is left out, as black borders are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from torch import Tensor

from mesh_reloc_ros.align._window_correlation import window_correlation, window_sum
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
    correlation, variance = window_correlation(
        rendered, image, counts.astype(np.float32), _WINDOW_PX
    )
    tells = ((variance > 3 * _LEAST_DEVIATION**2) & counts).astype(np.float32)
    known = window_sum(tells, _WINDOW_PX)
    mean = window_sum(correlation * tells, _WINDOW_PX) / np.maximum(known, 1e-6)
    sees = (mean >= _LEAST_CORRELATION) & (known > 0)
    share = float((sees * tells).sum() / max(float(tells.sum()), 1.0))
    if not _LEAST_SEEN < share < _ALL:
        return None
    height, width = full.image.shape[:2]
    mask = cv2.resize(sees.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_NEAREST)
    if full.usable is not None:
        mask &= full.usable
    return with_usable(pyramid, np.asarray(mask, dtype=np.uint8)), share
