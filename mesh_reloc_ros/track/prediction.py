"""The motion filter carried to the next image, whatever its stamp."""

from __future__ import annotations

import copy

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import about_camera_axes


def motion_from_pose(initial: InitialPose, frame: Frame) -> MotionFilter:
    """Return a filter that starts at a pose, at rest, when an image was taken."""
    pose, covariance = initial.map_T_camera, initial.covariance
    spread = None if covariance is None else about_camera_axes(covariance, pose)
    return MotionFilter(pose, frame.stamp_ns, frame.odom_T_camera, spread)


def motion_from_alignment(alignment: Alignment, frame: Frame) -> MotionFilter:
    """Return a filter that starts at an image's aligned pose, with its covariance."""
    motion = motion_from_pose(InitialPose(alignment.pose), frame)
    motion.update(alignment.pose, alignment.pose_covariance)
    return motion


def predict(
    motion: MotionFilter, frame: Frame, accepted_ns: int, settings: TrackingSettings
) -> MotionFilter:
    """Carry the motion to an image: in place, or as a copy if the image is out of order.

    :param accepted_ns: stamp of the last accepted pose.
    """
    if frame.stamp_ns < motion.stamp_ns:
        return _motion_before(motion, frame, settings)
    if not is_recent(frame, accepted_ns, settings):
        # Odometry still moves the pose, if there is any.
        motion.rest()
    motion.predict(frame.stamp_ns, settings, frame.odom_T_camera)
    return motion


def is_recent(frame: Frame, accepted_ns: int, settings: TrackingSettings) -> bool:
    """Whether the last accepted pose is recent enough to extrapolate the motion to an image."""
    return frame.stamp_ns - accepted_ns <= _ns(settings.max_prediction_interval)


def jumps_in_time(frame: Frame, last_ns: int, settings: TrackingSettings) -> bool:
    """Whether an image is far ahead of the last one, or well before it.

    Recordings do so when they loop or when a user seeks in them.
    """
    ahead_ns = frame.stamp_ns - last_ns
    return ahead_ns > _ns(settings.restart_after) or -ahead_ns > _ns(
        settings.max_prediction_interval
    )


def _motion_before(motion: MotionFilter, frame: Frame, settings: TrackingSettings) -> MotionFilter:
    """Return a copy at the stamp of an earlier image, as uncertain as after the same interval."""
    earlier, interval_ns = copy.deepcopy(motion), motion.stamp_ns - frame.stamp_ns
    by_odometry = motion.pose_by_odometry(frame.stamp_ns, frame.odom_T_camera)
    earlier.predict(motion.stamp_ns + interval_ns, settings)
    before = motion.extrapolated(-interval_ns * 1e-9) if by_odometry is None else by_odometry
    earlier.map_T_camera, earlier.stamp_ns = before, frame.stamp_ns
    return earlier


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
