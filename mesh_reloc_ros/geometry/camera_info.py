"""The camera of a rectified image, from the fields of a sensor_msgs/CameraInfo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera


class RegionOfInterest(Protocol):
    """The fields of a sensor_msgs/RegionOfInterest, in pixels of the full image; 0: all of it."""

    x_offset: int
    y_offset: int
    width: int
    height: int


class CameraInfo(Protocol):
    """The fields of a sensor_msgs/CameraInfo that are used, whatever library made the message."""

    width: int
    height: int
    d: Sequence[float]
    k: Any
    """[9] row-major."""
    p: Any
    """[12] row-major."""
    binning_x: int
    binning_y: int
    roi: Any
    """As `RegionOfInterest`."""


def camera_from_info(info: CameraInfo) -> Camera:
    """Return the camera of the rectified image that `info` belongs to.

    The intrinsics are P's; K's where P is all zero and there is no distortion. Region of interest
    and binning are applied, so the camera is that of the image as it was sent. P's fourth column
    (the baseline of a stereo pair) is left out: the pose is that of the camera that took the image.

    :raises InputError: uncalibrated, not finite, not rectified, or a region outside the image.
    """
    numbers = [float(v) for field in (info.k, info.p, info.d) for v in field]
    if not all(math.isfinite(v) for v in numbers):
        raise InputError('camera_info has numbers that are not finite: calibrate the camera again')
    if info.k[0] == 0:
        raise InputError(
            'camera_info says that the camera is not calibrated (K[0] is 0): run camera_calibration'
            ' and publish its result'
        )
    fx, fy, cx, cy = _intrinsics(info)
    left, top, width, height = _region(info.roi, info.width, info.height)
    bin_x, bin_y = max(int(info.binning_x), 1), max(int(info.binning_y), 1)
    # A binned pixel averages its neighbourhood: its centre lies half-way between the outer ones.
    return Camera(
        width=width // bin_x,
        height=height // bin_y,
        fx=fx / bin_x,
        fy=fy / bin_y,
        cx=(cx - left + 0.5) / bin_x - 0.5,
        cy=(cy - top + 0.5) / bin_y - 0.5,
    )


def _intrinsics(info: CameraInfo) -> tuple[float, float, float, float]:
    if any(info.p):
        return float(info.p[0]), float(info.p[5]), float(info.p[2]), float(info.p[6])
    if any(info.d):
        raise InputError(
            'camera_info has a distortion but no P, so its image is not rectified: use the topic'
            ' image_rect of image_proc, and its camera_info'
        )
    return float(info.k[0]), float(info.k[4]), float(info.k[2]), float(info.k[5])


def _region(roi: RegionOfInterest, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the region, in pixels of the full image."""
    if roi.width == 0 or roi.height == 0:
        return 0, 0, int(width), int(height)
    if roi.x_offset + roi.width > width or roi.y_offset + roi.height > height:
        raise InputError(
            f'camera_info: the region of interest ({roi.width}x{roi.height} at {roi.x_offset},'
            f' {roi.y_offset}) is not inside the image ({width}x{height}): correct its publisher'
        )
    return int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)
