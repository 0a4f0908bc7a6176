"""An image, its camera and the scene to draw over it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

Image = NDArray[np.uint8]
"""RGB [H, W, 3]."""
Map = NDArray[np.float32]
"""[H, W], or [H, W, 3] if stated."""
Mask = NDArray[np.bool_]
"""[H, W]."""
Colour = tuple[int, int, int]
"""RGB, 0 to 255."""


@dataclass(frozen=True)
class View:
    """An image of the scene with its camera and pose."""

    scene: Scene
    map_T_camera: NDArray[np.float64]
    """[4, 4], metres."""
    camera: Camera
    image: Image
    """RGB [H, W, 3], of the size of the camera."""
    is_grey: bool = False
    """Whether to render brightness instead of colour."""


def shrunk(frame: Frame, max_width: int) -> tuple[Image, Camera]:
    """Return the image, resized to at most a maximum width, and its camera."""
    width = min(frame.camera.width, max_width)
    height = max(round(frame.camera.height * width / frame.camera.width), 1)
    image: Image = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
    return image, frame.camera.resized(width, height)
