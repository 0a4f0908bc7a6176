"""Rectify raw images with the distortion in sensor_msgs/CameraInfo.

The distortion models are those of OpenCV that image_proc supports. REP 104 and
sensor_msgs/distortion_models.hpp define their names in CameraInfo.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.camera_info import CameraInfo, raw_camera, rectified_camera
from mesh_reloc_ros.types.camera import Camera

_COEFFICIENTS = {
    # With more than 5 it is rational_polynomial under the other name, as some drivers send it.
    'plumb_bob': (4, 5, 8, 12, 14),
    'rational_polynomial': (8, 12, 14),
    'equidistant': (4,),
}
_OTHER_NAMES = {
    'radtan': 'plumb_bob',
    'brown_conrady': 'plumb_bob',
    'fisheye': 'equidistant',
    'kannala_brandt': 'equidistant',
    'kannala_brandt4': 'equidistant',
}
_LARGEST_DEVIATION = 1e-3
"""Tolerance of R as a rotation, since files contain rounded numbers; of K and P, in pixels."""


@dataclass(frozen=True)
class Rectification:
    """Maps a raw image to the image of the pinhole `camera`, of the same size."""

    camera: Camera
    raw: Camera
    """The camera that took the image, without its distortion."""
    model: str
    distortion: tuple[float, ...]
    rotation: tuple[float, ...]
    """[9] row-major, from the raw camera's frame to that of `camera`."""

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rectify a raw image [H, W, 3]; the first call computes the maps.

        Pixels outside the raw image take the value of the nearest border pixel. Black, as in
        image_proc, would count as disagreement with the mesh: on the kitchen recording, with 30 %
        of the image outside, 2 of 150 poses were trusted with black, and all 150 with this.
        """
        return cv2.remap(image, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    @functools.cached_property
    def _maps(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The source of each pixel, in fixed point, which is fastest in OpenCV."""
        make = (
            cv2.fisheye.initUndistortRectifyMap
            if self.model == 'equidistant'
            else cv2.initUndistortRectifyMap
        )
        x, y = make(
            self.raw.matrix,
            np.array(self.distortion),
            np.array(self.rotation).reshape(3, 3),
            self.camera.matrix,
            (self.camera.width, self.camera.height),
            cv2.CV_16SC2,
        )
        return x, y


def rectification_from_info(info: CameraInfo) -> Rectification | None:
    """Return the rectification of an image; None if it needs none.

    It needs none if there is no distortion, R is the identity, and P is K or all zero. Region of
    interest and binning are applied to K and to P, as in image_proc: the rectified image shows the
    same region.

    :raises InputError: uncalibrated, not finite, a region outside the image, an invalid rotation,
        or an unknown distortion model.
    """
    camera, raw = rectified_camera(info), raw_camera(info)
    distortion, rotation = _distortion(info), _rotation(info)
    is_turned = not np.allclose(rotation, np.eye(3), atol=1e-9)
    difference = np.abs(camera.matrix - raw.matrix).max()
    if not distortion and not is_turned and difference < _LARGEST_DEVIATION:
        return None
    model = _model(info) if distortion else 'plumb_bob'
    if not distortion:
        distortion = (0.0,) * 4
    return Rectification(camera, raw, model, distortion, tuple(rotation.ravel().tolist()))


def _distortion(info: CameraInfo) -> tuple[float, ...]:
    """Return the distortion coefficients; empty without distortion.

    :raises InputError: the model, or its number of coefficients, is not supported.
    """
    distortion, model = tuple(float(v) for v in info.d), _model(info)
    # With all coefficients zero, the equidistant model is still not a pinhole camera.
    if not any(distortion) and not (model == 'equidistant' and distortion):
        return ()
    known = _COEFFICIENTS.get(model)
    if known is None:
        raise InputError(
            f'camera_info has the distortion model {info.distortion_model!r}, which is not known:'
            f' calibrate the camera as {", ".join(_COEFFICIENTS)}, or rectify its images elsewhere'
        )
    # Drivers may send a fixed number of coefficients, with zeros behind those of the model.
    while len(distortion) not in known and len(distortion) > known[0] and not distortion[-1]:
        distortion = distortion[:-1]
    if len(distortion) not in known:
        numbers = ' or '.join(str(number) for number in known)
        raise InputError(
            f'camera_info has {len(distortion)} distortion coefficients, but'
            f' {info.distortion_model} has {numbers}: correct the calibration'
        )
    return distortion


def _model(info: CameraInfo) -> str:
    """Return the distortion model by its name in REP 104."""
    name = info.distortion_model.lower()
    return _OTHER_NAMES.get(name, name)


def _rotation(info: CameraInfo) -> NDArray[np.float64]:
    """Return R [3, 3]; the identity if it is all zero, which means not set.

    :raises InputError: it is not a rotation.
    """
    if not any(info.r):
        return np.eye(3)
    rotation = np.array(info.r, dtype=np.float64).reshape(3, 3)
    deviation = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if deviation > _LARGEST_DEVIATION or np.linalg.det(rotation) < 0:
        raise InputError('camera_info: R is not a rotation: calibrate the camera again')
    return rotation
