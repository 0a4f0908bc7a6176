"""The motion filter carried to the next image, whatever its stamp."""

from __future__ import annotations

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track._motion_filter import MotionFilter
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
) -> None:
    """Carry the motion to an image.

    :param accepted_ns: stamp of the last accepted pose.
    """
    if not is_recent(frame, accepted_ns, settings):
        # Odometry still moves the pose, if there is any.
        motion.rest()
    motion.predict(frame.stamp_ns, settings, frame.odom_T_camera)


def is_recent(frame: Frame, accepted_ns: int, settings: TrackingSettings) -> bool:
    """Whether the last accepted pose is recent enough to extrapolate the motion to an image."""
    return frame.stamp_ns - accepted_ns <= _ns(settings.max_prediction_interval)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
