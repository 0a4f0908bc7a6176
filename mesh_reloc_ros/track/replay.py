"""From the image that a search has located to the newest."""

from __future__ import annotations

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.track.pose_validator import PoseValidator
from mesh_reloc_ros.track.prediction import motion_at, update
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.track.scheduler import AlignmentScheduler
from mesh_reloc_ros.track.search import Found
from mesh_reloc_ros.track.tracking_result import is_finite
from mesh_reloc_ros.types.frame import Frame


def replay_to_latest(
    found: Found,
    frame: Frame,
    effort: AlignmentScheduler,
    judge: PoseValidator,
    settings: TrackingSettings,
) -> tuple[MotionFilter, Alignment] | None:
    """Follow the camera from where it was found to the newest image, which is not judged here.

    :returns: the motion, predicted to the image, and the image aligned; None if it is older.
    """
    located = found.localization.alignment
    exposure = located.exposure
    motion = motion_at(found.frame, located, settings)
    for image in found.since:
        if motion.stamp_ns < image.stamp_ns < frame.stamp_ns:
            motion.predict(image.stamp_ns, image.odom_T_camera)
            alignment = effort.quick(image, motion.map_T_camera, exposure)
            if is_finite(alignment) and judge.would_enter(AlignmentQuality.of(alignment)):
                update(motion, alignment)
                exposure = alignment.exposure
    if frame.stamp_ns < motion.stamp_ns:
        return None
    motion.predict(frame.stamp_ns, frame.odom_T_camera)
    return motion, effort.quick(frame, motion.map_T_camera, exposure)
