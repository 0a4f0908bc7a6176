"""Cameras from the fields of a sensor_msgs/CameraInfo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types.camera import Camera

ADVICE = (
    "use image_proc's image_rect, or have the images rectified here (rectify: true; mesh_reloc"
    ' track --rectify)'
)
"""What to do with images that are not rectified."""
_RAW_NAMES = ('image_raw', 'image_color', 'image_mono', 'image')
"""Names of topics that drivers and image_proc give to images that are not rectified."""


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
    distortion_model: str
    d: Sequence[float]
    k: Any
    """[9] row-major."""
    r: Any
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
    camera = rectified_camera(info)
    if any(info.d) and not any(info.p):
        raise InputError(
            f'camera_info has a distortion but no P, so its image is not rectified: {ADVICE}'
        )
    return camera


def rectified_camera(info: CameraInfo) -> Camera:
    """Return the camera of the image after rectification: P's, or K's where P is all zero.

    :raises InputError: uncalibrated, not finite, or a region outside the image.
    """
    if not any(info.p):
        return raw_camera(info)
    _check_numbers(info)
    return _as_sent(info, info.p[0], info.p[5], info.p[2], info.p[6])


def raw_camera(info: CameraInfo) -> Camera:
    """Return the camera of the image before rectification, without its distortion: K's.

    :raises InputError: uncalibrated, not finite, or a region outside the image.
    """
    _check_numbers(info)
    return _as_sent(info, info.k[0], info.k[4], info.k[2], info.k[5])


def check_is_rectified(info: CameraInfo, topic: str) -> None:
    """Refuse a raw image, going by its topic, as raw and rectified images share a camera_info.

    :raises InputError: there is a distortion, and the topic's name is one of raw images.
    """
    if any(info.d) and _last_name(topic) in _RAW_NAMES:
        raise InputError(
            f'images on {topic} are not rectified (camera_info has a distortion): {ADVICE}'
        )


def check_is_not_rectified(topic: str) -> None:
    """Refuse to rectify what is rectified already, going by its topic.

    :raises InputError: the topic's name is one of rectified images.
    """
    if not {'rect', 'rectified'}.isdisjoint(_last_name(topic).split('_')):
        raise InputError(
            f'images on {topic} are rectified already, going by its name: give the topic of the raw'
            ' images, image_raw, or do not have them rectified here'
        )


def _last_name(topic: str) -> str:
    """Return the last name of an image topic, of the raw one where it is compressed."""
    return topic.removesuffix('/compressed').rpartition('/')[2]


def _check_numbers(info: CameraInfo) -> None:
    numbers = [float(v) for field in (info.k, info.p, info.d, info.r) for v in field]
    if not all(math.isfinite(v) for v in numbers):
        raise InputError('camera_info has numbers that are not finite: calibrate the camera again')
    if info.k[0] == 0:
        raise InputError(
            'camera_info says that the camera is not calibrated (K[0] is 0): run camera_calibration'
            ' and publish its result'
        )


def _as_sent(info: CameraInfo, fx: float, fy: float, cx: float, cy: float) -> Camera:
    """Return the camera of the binned region, of intrinsics of the full image."""
    left, top, width, height = _region(info.roi, info.width, info.height)
    bin_x, bin_y = max(int(info.binning_x), 1), max(int(info.binning_y), 1)
    # A binned pixel averages its neighbourhood: its centre lies half-way between the outer ones.
    return Camera(
        width=width // bin_x,
        height=height // bin_y,
        fx=float(fx) / bin_x,
        fy=float(fy) / bin_y,
        cx=(float(cx) - left + 0.5) / bin_x - 0.5,
        cy=(float(cy) - top + 0.5) / bin_y - 0.5,
    )


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
