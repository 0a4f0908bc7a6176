"""One image with its camera: the input of the tracker."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera


@dataclass(frozen=True)
class Frame:
    """One rectified image: RGB [H, W, 3] uint8, its camera, and its stamp in nanoseconds."""

    stamp_ns: int
    image: NDArray[np.uint8]
    camera: Camera
    odom_T_camera: Array | None = None
    """[4, 4], metres: the camera's pose at the stamp by odometry, which is smooth but drifts.
    None if unknown."""
    is_grey: bool | None = None
    """Whether the image is grey, to be compared with grey renders. None: decide by the image."""

    def __post_init__(self) -> None:
        """Check that image and camera fit together.

        :raises InputError: the image is not [H, W, 3], or its size is not the camera's.
        """
        if self.image.ndim != 3 or self.image.shape[2] != 3:
            raise InputError(f'image: expected RGB, got an array of shape {self.image.shape}')
        height, width = self.image.shape[:2]
        if (width, height) != (self.camera.width, self.camera.height):
            raise InputError(
                f'image is {width}x{height} but camera_info says'
                f' {self.camera.width}x{self.camera.height}: publish the camera_info that belongs'
                ' to this image'
            )

    def cropped(self, left: int, top: int, width: int, height: int) -> Frame:
        """Return a part of the image as a frame."""
        image = self.image[top : top + height, left : left + width]
        camera = self.camera.cropped(left, top, width, height)
        return dataclasses.replace(self, image=image, camera=camera)
