"""Pinhole cameras from sensor_msgs/CameraInfo."""

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
# The principal point lies near the middle of the image. If it is this many times as far from the
# corner along both axes, it is that of an image of another size: the resolutions of a camera differ
# by a third and more.
_OTHER_SIZE = 1.25
_RAW_NAMES = ('image_raw', 'image_color', 'image_mono', 'image')
"""Names of topics that drivers and image_proc give to images that are not rectified."""


class CameraInfo(Protocol):
    """The fields used of sensor_msgs/CameraInfo, as rclpy and rosbags both have them."""

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
    """sensor_msgs/RegionOfInterest, in full-image pixels; all zero: full image."""


def camera_from_info(info: CameraInfo) -> Camera:
    """Return the camera of a rectified image.

    The intrinsics come from P, or from K if P is all zero and there is no distortion. Region of
    interest and binning are applied, so the camera matches the published image. The fourth column
    of P (the baseline of a stereo pair) is ignored: the pose is that of the camera that took the
    image.

    :raises InputError: uncalibrated, not finite, not rectified, or a region outside the image.
    """
    camera = rectified_camera(info)
    if any(info.d) and not any(info.p):
        raise InputError(
            f'camera_info has a distortion but no P, so its image is not rectified: {ADVICE}'
        )
    return camera


def rectified_camera(info: CameraInfo) -> Camera:
    """Return the camera after rectification: from P, or from K if P is all zero.

    :raises InputError: uncalibrated, not finite, or a region outside the image.
    """
    if not any(info.p):
        return raw_camera(info)
    _check_numbers(info)
    _check_resolution(info, 'P', info.p[2], info.p[6])
    return _as_sent(info, info.p[0], info.p[5], info.p[2], info.p[6])


def raw_camera(info: CameraInfo) -> Camera:
    """Return the camera before rectification, without its distortion: from K.

    :raises InputError: uncalibrated, not finite, or a region outside the image.
    """
    _check_numbers(info)
    _check_resolution(info, 'K', info.k[2], info.k[5])
    return _as_sent(info, info.k[0], info.k[4], info.k[2], info.k[5])


def check_is_rectified(info: CameraInfo, topic: str) -> None:
    """Reject a raw image by the name of its topic: raw and rectified images share a camera_info.

    :raises InputError: the camera has distortion, and the topic name is that of a raw image.
    """
    if any(info.d) and _last_name(topic) in _RAW_NAMES:
        raise InputError(
            f'images on {topic} are not rectified (camera_info has a distortion): {ADVICE}'
        )


def check_is_not_rectified(topic: str) -> None:
    """Reject an image that is already rectified, by the name of its topic.

    :raises InputError: the topic name is that of a rectified image.
    """
    if not {'rect', 'rectified'}.isdisjoint(_last_name(topic).split('_')):
        raise InputError(
            f'images on {topic} are already rectified, judging by its name: use the raw topic'
            ' (image_raw), or set rectify to false'
        )


def _last_name(topic: str) -> str:
    """Return the last part of an image topic, without `/compressed`."""
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


def _check_resolution(info: CameraInfo, name: str, cx: float, cy: float) -> None:
    """Reject a calibration of another image size, by its principal point.

    :raises InputError: it is in the middle of an image of another size.
    """
    if cx <= 0 or cy <= 0 or info.width < 1 or info.height < 1:
        return
    x, y = (2 * cx + 1) / info.width, (2 * cy + 1) / info.height
    if min(x, y) > _OTHER_SIZE or max(x, y) < 1 / _OTHER_SIZE:
        raise InputError(
            f'camera_info: {name} has its principal point at ({cx:.0f}, {cy:.0f}), as for images of'
            f' about {2 * cx:.0f}x{2 * cy:.0f}, but the image is {info.width}x{info.height}: set'
            ' the calibration of this resolution'
        )


def _as_sent(info: CameraInfo, fx: float, fy: float, cx: float, cy: float) -> Camera:
    """Return the camera of the binned region of interest, from intrinsics of the full image."""
    left, top, width, height = _region(info.roi, info.width, info.height)
    bin_x, bin_y = max(int(info.binning_x), 1), max(int(info.binning_y), 1)
    # A binned pixel averages its block: its centre is the centre of the block.
    return Camera(
        width=width // bin_x,
        height=height // bin_y,
        fx=float(fx) / bin_x,
        fy=float(fy) / bin_y,
        cx=(float(cx) - left + 0.5) / bin_x - 0.5,
        cy=(float(cy) - top + 0.5) / bin_y - 0.5,
    )


def _region(roi: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the region, in pixels of the full image."""
    if roi.width == 0 or roi.height == 0:
        return 0, 0, int(width), int(height)
    if roi.x_offset + roi.width > width or roi.y_offset + roi.height > height:
        raise InputError(
            f'camera_info: the region of interest ({roi.width}x{roi.height} at {roi.x_offset},'
            f' {roi.y_offset}) is not inside the image ({width}x{height}): correct its publisher'
        )
    return int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)
