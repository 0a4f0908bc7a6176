"""From the image that a search has located to the newest."""

from __future__ import annotations

from mesh_reloc_ros.alignment.alignment import Alignment
from mesh_reloc_ros.stopwatch import Stopwatch
from mesh_reloc_ros.tracking.attempt import is_finite
from mesh_reloc_ros.tracking.effort import Effort
from mesh_reloc_ros.tracking.frame import Frame
from mesh_reloc_ros.tracking.health import Signs
from mesh_reloc_ros.tracking.judge import Judge
from mesh_reloc_ros.tracking.motion_filter import MotionFilter
from mesh_reloc_ros.tracking.prediction import motion_at, update
from mesh_reloc_ros.tracking.search import Found
from mesh_reloc_ros.tracking.settings import TrackingSettings


def caught_up(
    found: Found,
    frame: Frame,
    effort: Effort,
    judge: Judge,
    settings: TrackingSettings,
    stopwatch: Stopwatch,
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
            alignment = effort.quick(image, motion.map_T_camera, exposure, stopwatch)
            if is_finite(alignment) and judge.would_enter(Signs.of(alignment)):
                update(motion, alignment)
                exposure = alignment.exposure
    if frame.stamp_ns < motion.stamp_ns:
        return None
    motion.predict(frame.stamp_ns, frame.odom_T_camera)
    return motion, effort.quick(frame, motion.map_T_camera, exposure, stopwatch)
