"""Alternatives to the predicted motion, for an image that does not fit the prediction."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.track._prediction import motion_from_alignment, predict
from mesh_reloc_ros.track._scheduler import AlignmentScheduler
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.types.frame import Frame


class MotionHypotheses:
    """The camera jumped in the image before, or odometry is wrong."""

    def __init__(self, scene: Scene, scheduler: AlignmentScheduler) -> None:
        """Make hypotheses for one track.

        :param scheduler: the track's.
        """
        self._scheduler = scheduler
        # Without odometry the camera is elsewhere: its keyframes must not replace the track's.
        self._scheduler_without_odometry = AlignmentScheduler(scene)
        self._jump: MotionFilter | None = None
        self._last_jump: MotionFilter | None = None
        self._without_odometry: MotionFilter | None = None

    def next_image(self) -> None:
        """Go on to the next image."""
        self._last_jump, self._jump = self._jump, None

    def note_jump(self, frame: Frame, alignment: Alignment) -> None:
        """Keep a pose that does not fit the motion, for the next image to confirm."""
        self._jump = motion_from_alignment(alignment, frame)

    def note_accepted(self, frame: Frame, motion: MotionFilter) -> None:
        """Keep the motion up to an accepted pose, to continue it without odometry."""
        self._without_odometry = None if frame.odom_T_camera is None else copy.deepcopy(motion)

    def alternatives(
        self,
        frame: Frame,
        accepted_ns: int,
        exposure: Tensor | None,
        settings: Settings,
        is_poor: Callable[[AlignmentQuality], bool],
    ) -> Iterator[tuple[MotionFilter, Alignment]]:
        """Yield motions predicted to an image, each with the image aligned from there.

        :param accepted_ns: stamp of the last accepted pose.
        :param is_poor: see `AlignmentScheduler.align_with_retry`.
        """
        jump = self._last_jump
        if jump is not None and jump.stamp_ns < frame.stamp_ns:
            jump.predict(frame.stamp_ns, settings.tracking, frame.odom_T_camera)
            yield jump, self._scheduler.align(frame, jump.map_T_camera, exposure, settings)
        if self._without_odometry is not None:
            alone = dataclasses.replace(frame, odom_T_camera=None)
            motion = self._without_odometry
            predict(motion, alone, accepted_ns, settings.tracking)
            yield (
                motion,
                self._scheduler_without_odometry.align_with_retry(
                    frame, motion.map_T_camera, exposure, settings, is_poor
                ),
            )
