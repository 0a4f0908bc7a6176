"""The part of an image that shows the mesh: an object that is small in view is aligned there."""

from __future__ import annotations

import numpy as np

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# A margin around the mesh, as a share of its size in the image, and in pixels.
NEAR_MARGIN, FAR_MARGIN, _MARGIN_PX = 0.25, 0.5, 16
# Borders are multiples of this, so that pyramid levels of the part are parts of the levels.
_STEP_PX = 32
_MIN_SIDE_PX = 128
# If the part is larger than this share of the image, all of the image is used.
_LARGEST_SHARE = 0.5


def focus(scene: Scene, frame: Frame, map_T_camera: Array, margin: float = NEAR_MARGIN) -> Frame:
    """Return the part of a frame around the mesh, seen from a pose [4, 4], or all of it.

    Shares of the image, such as the coverage, then are those of the part.

    :param margin: around the mesh, as a share of its size in the image: more if the pose is rough.
    """
    box = mesh_box(scene, frame.camera, map_T_camera, margin)
    return frame if box is None else frame.cropped(*box)


def focused_camera(scene: Scene, camera: Camera, map_T_camera: Array) -> Camera:
    """Return the camera of the part that `focus` returns."""
    box = mesh_box(scene, camera, map_T_camera)
    return camera if box is None else camera.cropped(*box)


def mesh_box(
    scene: Scene, camera: Camera, map_T_camera: Array, margin: float = NEAR_MARGIN
) -> tuple[int, int, int, int] | None:
    """Return left, top, width and height of the part around the mesh; None for the whole image."""
    points = (scene.outline - map_T_camera[:3, 3]) @ map_T_camera[:3, :3]
    if not points[:, 2].min() > 1e-3 * np.abs(points).max():
        return None
    pixels = points[:, :2] / points[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    low, high = pixels.min(0), pixels.max(0)
    size = np.array([camera.width, camera.height])
    around = margin * (high - low) + _MARGIN_PX
    low, high = low - around, high + around
    # Not smaller than a pyramid needs.
    lacking = np.maximum(_MIN_SIDE_PX - (high - low), 0) / 2
    low = np.floor((low - lacking) / _STEP_PX) * _STEP_PX
    high = np.ceil((high + lacking) / _STEP_PX) * _STEP_PX
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    extent = high - low
    if extent.min() < _MIN_SIDE_PX / 2 or extent.prod() > _LARGEST_SHARE * size.prod():
        return None
    left, top = low.astype(int).tolist()
    width, height = extent.astype(int).tolist()
    return left, top, width, height
