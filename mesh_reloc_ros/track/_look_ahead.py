"""Work between two images: all that the tracking thread shares with a second thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track._scheduler import AlignmentScheduler
from mesh_reloc_ros.track.validation import PoseValidator
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame


class LookAhead:
    """Renders for the next image and checks the calibration. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: _Plan | None = None

    def plan(
        self,
        frame: Frame,
        alignment: Alignment,
        map_T_camera: Array,
        settings: Settings,
        scheduler: AlignmentScheduler,
        validator: PoseValidator,
    ) -> None:
        """Plan what to do after an accepted pose.

        :param alignment: of the frame.
        :param map_T_camera: [4, 4], metres: where the next image is expected.
        """
        plan = _Plan(frame, alignment, map_T_camera, settings, scheduler, validator)
        with self._lock:
            self._plan = plan

    def cancel(self) -> None:
        """Drop the plan."""
        with self._lock:
            self._plan = None

    def run(self) -> None:
        """Do what is planned."""
        with self._lock:
            plan = self._plan
        if plan is None:
            return
        frame, settings = plan.frame, plan.settings
        plan.scheduler.render_ahead(
            frame.camera,
            plan.map_T_camera,
            float(plan.alignment.distance),
            settings,
            grey=bool(frame.is_grey),
        )
        plan.validator.check_calibration(frame, plan.alignment, settings)


@dataclass(frozen=True)
class _Plan:
    """What both threads see. All of it is immutable, or locked as noted."""

    frame: Frame
    alignment: Alignment
    map_T_camera: Array
    settings: Settings
    scheduler: AlignmentScheduler
    """Shared by its keyframe cache, which has a lock."""
    validator: PoseValidator
    """Shared by its check of the calibration, which has a lock."""
