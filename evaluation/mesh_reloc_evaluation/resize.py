"""Images of other sizes, with the camera that would have taken them."""

from __future__ import annotations

import cv2
import numpy as np

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame


def resampled(frame: Frame, width: int, height: int) -> Frame:
    """Return a frame in another size; where its shape differs, its middle is cut out."""
    rows, columns = _middle(frame.camera, width, height)
    part = np.ascontiguousarray(frame.image[rows, columns])
    smaller = width < part.shape[1]
    image = cv2.resize(
        part, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    )
    return Frame(frame.stamp_ns, np.asarray(image), resampled_camera(frame.camera, width, height))


def resampled_camera(camera: Camera, width: int, height: int) -> Camera:
    """Return the camera of `resampled` frames.

    A pixel's centre moves from c to (c - begin + 0.5) scale - 0.5.
    """
    rows, columns = _middle(camera, width, height)
    x, y = width / (columns.stop - columns.start), height / (rows.stop - rows.start)
    return Camera(
        width=width,
        height=height,
        fx=camera.fx * x,
        fy=camera.fy * y,
        cx=(camera.cx - columns.start + 0.5) * x - 0.5,
        cy=(camera.cy - rows.start + 0.5) * y - 0.5,
    )


def _middle(camera: Camera, width: int, height: int) -> tuple[slice, slice]:
    """Return the rows and columns of the largest middle part of the shape width : height."""
    scale = max(width / camera.width, height / camera.height)
    kept_width, kept_height = round(width / scale), round(height / scale)
    left, top = (camera.width - kept_width) // 2, (camera.height - kept_height) // 2
    return slice(top, top + kept_height), slice(left, left + kept_width)
