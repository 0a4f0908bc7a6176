"""The motion so far, carried to the next image, whatever its stamp."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.track.tracking_result import about_camera_axes
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose


@dataclass(frozen=True)
class Prediction:
    """Where the camera is expected when an image was taken."""

    motion: MotionFilter
    is_recent: bool
    """Whether the last trusted pose is so short a time ago that the motion goes on from there."""
    is_late: bool
    """The image is older than the last one; `motion` is a copy."""


def motion_from(start: InitialPose, frame: Frame, settings: TrackingSettings) -> MotionFilter:
    """Return a filter that begins at a pose, at rest, when an image was taken."""
    pose, covariance = start.map_T_camera, start.covariance
    return MotionFilter(
        pose,
        frame.stamp_ns,
        settings.linear_acceleration_noise,
        settings.angular_acceleration_noise,
        frame.odom_T_camera,
        None if covariance is None else about_camera_axes(covariance, pose),
    )


def motion_at(frame: Frame, alignment: Alignment, settings: TrackingSettings) -> MotionFilter:
    """Return a filter that begins with an aligned image."""
    motion = motion_from(InitialPose(alignment.map_T_camera[0].numpy()), frame, settings)
    update(motion, alignment)
    return motion


def change(motion: MotionFilter, settings: TrackingSettings) -> None:
    """Go on with other settings."""
    motion.set_noise(settings.linear_acceleration_noise, settings.angular_acceleration_noise)


def update(motion: MotionFilter, alignment: Alignment) -> None:
    """Take the pose of an image that the motion is predicted to."""
    motion.update(alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy())


def predicted(
    motion: MotionFilter, frame: Frame, trusted_ns: int, settings: TrackingSettings
) -> Prediction:
    """Carry the motion to an image, in place unless the image is late.

    :param trusted_ns: stamp of the last trusted pose.
    """
    if frame.stamp_ns < motion.stamp_ns:
        return Prediction(_before(motion, frame), True, True)
    rests = frame.stamp_ns - trusted_ns > _ns(settings.max_prediction_interval)
    if rests:
        # Odometry still tells where the camera is, where there is any.
        motion.rest()
    motion.predict(frame.stamp_ns, frame.odom_T_camera)
    return Prediction(motion, not rests, False)


def begins_anew(frame: Frame, last_ns: int, settings: TrackingSettings) -> bool:
    """Whether an image comes from another time: far ahead of the last, or back by a good deal.

    So it is where a recording loops, or is skipped through.
    """
    ahead_ns = frame.stamp_ns - last_ns
    return ahead_ns > _ns(settings.restart_after) or -ahead_ns > _ns(
        settings.max_prediction_interval
    )


def _before(motion: MotionFilter, frame: Frame) -> MotionFilter:
    """Return a copy at the stamp of an image before, as uncertain as it would be as long after."""
    earlier, interval_ns = copy.deepcopy(motion), motion.stamp_ns - frame.stamp_ns
    by_odometry = motion.pose_by_odometry(frame.stamp_ns, frame.odom_T_camera)
    earlier.predict(motion.stamp_ns + interval_ns)
    before = motion.extrapolated(-interval_ns * 1e-9) if by_odometry is None else by_odometry
    earlier.map_T_camera, earlier.stamp_ns = before, frame.stamp_ns
    return earlier


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
