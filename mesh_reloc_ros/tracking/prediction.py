"""The motion so far, carried to the next image, whatever its stamp."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.tracking.motion_filter import MotionFilter
from mesh_reloc_ros.tracking.settings import TrackingSettings


@dataclass(frozen=True)
class Prediction:
    """Where the camera is expected when an image was taken."""

    motion: MotionFilter
    is_worth_its_name: bool
    """Whether the last trusted pose is so short a time ago that the motion goes on from there."""
    is_late: bool
    """The image is older than the last one; `motion` is a copy."""


def motion_from(
    map_T_camera: NDArray[np.float64], stamp_ns: int, settings: TrackingSettings
) -> MotionFilter:
    """Return a filter that begins at a pose [4, 4], at rest."""
    return MotionFilter(
        map_T_camera,
        stamp_ns,
        settings.linear_acceleration_noise,
        settings.angular_acceleration_noise,
    )


def motion_at(stamp_ns: int, alignment: Alignment, settings: TrackingSettings) -> MotionFilter:
    """Return a filter that begins with an aligned image."""
    motion = motion_from(alignment.map_T_camera[0].numpy(), stamp_ns, settings)
    update(motion, alignment)
    return motion


def update(motion: MotionFilter, alignment: Alignment) -> None:
    """Take the pose of an image that the motion is predicted to."""
    motion.update(alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy())


def predicted(
    motion: MotionFilter, stamp_ns: int, trusted_ns: int, settings: TrackingSettings
) -> Prediction:
    """Carry the motion to a stamp, in place unless the image is late or time has started anew.

    :param trusted_ns: stamp of the last trusted pose.
    """
    longest_ns = round(settings.max_prediction_interval * 1e9)
    back_ns = motion.stamp_ns - stamp_ns
    if back_ns > longest_ns:
        # Time has gone back (a bag loops): what is left of the past is a place to look at.
        return Prediction(motion_from(motion.map_T_camera, stamp_ns, settings), False, False)
    if back_ns > 0:
        return Prediction(_before(motion, stamp_ns), True, True)
    rests = stamp_ns - trusted_ns > longest_ns
    if rests:
        motion.rest()
    motion.predict(stamp_ns)
    return Prediction(motion, not rests, False)


def _before(motion: MotionFilter, stamp_ns: int) -> MotionFilter:
    """Return a copy at a stamp before, as uncertain as it would be as long after."""
    earlier, interval_ns = copy.deepcopy(motion), motion.stamp_ns - stamp_ns
    earlier.predict(motion.stamp_ns + interval_ns)
    earlier.map_T_camera = motion.extrapolated(-interval_ns * 1e-9)
    earlier.stamp_ns = stamp_ns
    return earlier
