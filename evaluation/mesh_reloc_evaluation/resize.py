"""Frames at other image sizes, with the camera that fits."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame


def resized(frame: Frame, width: int, height: int) -> Frame:
    """Return a frame at another size; if the aspect ratio differs, its centre is cropped."""
    rows, columns = _centre(frame.camera, width, height)
    part = np.ascontiguousarray(frame.image[rows, columns])
    interpolation = cv2.INTER_AREA if width < part.shape[1] else cv2.INTER_CUBIC
    image = cv2.resize(part, (width, height), interpolation=interpolation)
    camera = resized_camera(frame.camera, width, height)
    return replace(frame, image=np.asarray(image), camera=camera)


def resized_camera(camera: Camera, width: int, height: int) -> Camera:
    """Return the camera of frames that `resized` returns."""
    rows, columns = _centre(camera, width, height)
    kept_width, kept_height = columns.stop - columns.start, rows.stop - rows.start
    part = replace(
        camera,
        width=kept_width,
        height=kept_height,
        cx=camera.cx - columns.start,
        cy=camera.cy - rows.start,
    )
    return part.resized(width, height)


def _centre(camera: Camera, width: int, height: int) -> tuple[slice, slice]:
    """Return rows and columns of the largest centred part with the aspect ratio width : height."""
    scale = max(width / camera.width, height / camera.height)
    kept_width, kept_height = round(width / scale), round(height / scale)
    left, top = (camera.width - kept_width) // 2, (camera.height - kept_height) // 2
    return slice(top, top + kept_height), slice(left, left + kept_width)
