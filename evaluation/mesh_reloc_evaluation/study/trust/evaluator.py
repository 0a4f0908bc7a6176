"""Which checks of the tracker a single alignment passes."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.study.trust.metrics import TrialResult
from mesh_reloc_evaluation.study.trust.trials import Trial
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.focal_check import FocalCheck
from mesh_reloc_ros.track.quality import AlignmentQuality, QualityGate
from mesh_reloc_ros.track.second_look import SecondLook, median_depth
from mesh_reloc_ros.types.pose import distance
from mesh_reloc_ros.types.trajectory import WRONG_BEYOND_DEG, WRONG_BEYOND_M


class TrialEvaluator:
    """Aligns the image of a trial coarse to fine, and applies all checks of a first pose."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        self._aligner = LmAligner(scene, settings.alignment)
        self._gate = QualityGate(settings.tracking)
        self._second_look = SecondLook(scene, settings)
        self._focal_check = FocalCheck(scene, settings)
        self._settings = settings.tracking

    def evaluate(self, trial: Trial) -> TrialResult:
        """Align the image of a trial and check the pose."""
        frame, settings = trial.frame, self._settings
        alignment = self._aligner.align(
            frame.image,
            frame.camera,
            torch.from_numpy(np.ascontiguousarray(trial.start))[None],
            None,
            wide=True,
        )
        pose, quality = alignment.map_T_camera[0].numpy(), AlignmentQuality.of(alignment)
        depth = median_depth(self._scene, pose, frame.camera)
        metres, radians = self._second_look.disagreement(frame, alignment, depth)
        self._focal_check.forget()
        self._focal_check.look(frame, alignment, depth)
        error = self._focal_check.error(frame.camera)
        acquires = not self._gate.doubts(quality, entering=True)
        is_near = metres <= settings.max_realignment_distance
        confirmed = acquires and is_near and radians <= settings.max_realignment_angle
        return TrialResult(
            kind=trial.kind,
            right=_is_right(pose, trial),
            quality={
                **dataclasses.asdict(quality),
                'realignment_distance': metres,
                'realignment_angle': radians,
                'focal_error': abs(error),
            },
            tracks=not self._gate.doubts(quality, entering=False),
            acquires=acquires,
            confirmed=confirmed,
            trusted=confirmed and abs(error) <= settings.max_focal_error,
        )


def _is_right(pose: NDArray[np.float64], trial: Trial) -> bool:
    if trial.truth is None:
        return False
    metres, radians = distance(pose, trial.truth)
    return metres <= WRONG_BEYOND_M and bool(np.degrees(radians) <= WRONG_BEYOND_DEG)
