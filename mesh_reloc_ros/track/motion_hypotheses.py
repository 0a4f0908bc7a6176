"""Other ways that the motion may have gone, for an image that does not fit the prediction."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.track.prediction import change, motion_at, predicted
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.track.scheduler import AlignmentScheduler
from mesh_reloc_ros.types.frame import Frame


class MotionHypotheses:
    """The camera may have been moved, or odometry may lead astray."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._settings = settings
        # Of its own: what the tracker's has rendered is not replaced by a try.
        self._effort = AlignmentScheduler(scene, settings)
        self.forget()

    def forget(self) -> None:
        """Forget the past."""
        self._effort.forget()
        self._jumped: MotionFilter | None = None
        self._unaided: MotionFilter | None = None

    def change(self, settings: Settings) -> None:
        """Go on with other settings."""
        self._settings = settings
        self._effort.change(settings)
        for motion in (self._jumped, self._unaided):
            if motion is not None:
                change(motion, settings.tracking)

    def jump(self, frame: Frame, alignment: Alignment) -> None:
        """Keep a pose that does not fit the motion, for the next image to confirm."""
        self._jumped = motion_at(frame, alignment, self._settings.tracking)

    def take_jumped(self) -> MotionFilter | None:
        """Return the motion from the image before on, if that was where nobody expected it."""
        jumped, self._jumped = self._jumped, None
        return jumped

    def trust(self, frame: Frame, motion: MotionFilter) -> None:
        """Keep the motion up to a trusted pose, to go on from there without odometry."""
        self._unaided = None if frame.odom_T_camera is None else copy.deepcopy(motion)

    def tries(
        self,
        frame: Frame,
        jumped: MotionFilter | None,
        trusted_ns: int,
        exposure: Tensor | None,
        effort: AlignmentScheduler,
        is_poor: Callable[[AlignmentQuality], bool],
    ) -> Iterator[tuple[MotionFilter, Alignment]]:
        """Align an image by one way after the other, as long as that is asked for.

        :param jumped: see `take_jumped`.
        :param trusted_ns: stamp of the last trusted pose.
        :param effort: that the prediction was aligned with.
        :param is_poor: see `AlignmentScheduler.align_as_needed`.
        :returns: motions predicted to the image, and the image aligned from there.
        """
        if jumped is not None and jumped.stamp_ns < frame.stamp_ns:
            jumped.predict(frame.stamp_ns, frame.odom_T_camera)
            yield jumped, effort.quick(frame, jumped.map_T_camera, exposure)
        if self._unaided is not None:
            alone = dataclasses.replace(frame, odom_T_camera=None)
            motion = predicted(self._unaided, alone, trusted_ns, self._settings.tracking).motion
            pose = motion.map_T_camera
            yield (
                motion,
                self._effort.align_as_needed(frame, pose, exposure, is_poor),
            )
