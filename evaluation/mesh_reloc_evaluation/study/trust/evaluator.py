"""Which checks of the tracker a single alignment passes."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.study.trust.metrics import TrialResult
from mesh_reloc_evaluation.study.trust.trials import Trial
from mesh_reloc_evaluation.trajectory_errors import is_wrong
from mesh_reloc_ros.align.alignment import AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.calibration_check import CalibrationCheck
from mesh_reloc_ros.track.quality import AlignmentQuality, check_quality
from mesh_reloc_ros.track.validation import realign
from mesh_reloc_ros.types.pose import distance


class TrialEvaluator:
    """Aligns the image of a trial coarse to fine, and applies all checks of a first pose."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        self._settings = settings

    def evaluate(self, trial: Trial) -> TrialResult:
        """Align the image of a trial and check the pose."""
        scene, frame = self._scene, trial.frame
        options, settings = self._settings.alignment, self._settings.tracking
        start = torch.from_numpy(np.ascontiguousarray(trial.start))[None]
        pyramid = image_pyramid(frame.image, frame.camera)
        alignment = align_lm(scene, pyramid, start, None, options, AlignMode.COARSE)
        pose, quality = alignment.pose, AlignmentQuality.of(alignment)
        metres, radians = realign(scene, frame, alignment, options)
        calibration = CalibrationCheck(scene)
        calibration.look(frame, alignment, options)
        acquires = not check_quality(quality, None, settings, acquiring=True)
        is_near = metres <= settings.max_realignment_distance
        confirmed = acquires and is_near and radians <= settings.max_realignment_angle
        return TrialResult(
            kind=trial.kind,
            right=_is_right(pose, trial),
            quality={
                **dataclasses.asdict(quality),
                'realignment_distance': metres,
                'realignment_angle': radians,
                'focal_error': abs(float(calibration.error(frame.camera)[0])),
            },
            tracks=not check_quality(quality, None, settings, acquiring=False),
            acquires=acquires,
            confirmed=confirmed,
            trusted=confirmed and calibration.check(frame.camera, settings) is None,
        )


def _is_right(pose: NDArray[np.float64], trial: Trial) -> bool:
    if trial.truth is None:
        return False
    metres, radians = distance(pose, trial.truth)
    return not is_wrong(metres, np.degrees(radians))
