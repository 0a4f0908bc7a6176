"""Start poses at known distances from the truth, and the pose that each method finds from them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import torch

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.random_pose import perturbed
from mesh_reloc_evaluation.small_room import (
    CAMERA,
    PATH_STEPS,
    photographed,
    pose_at,
    rendered,
    small_room_mesh,
)
from mesh_reloc_evaluation.study.basin.metrics import ADAM, HINTED, LM, Level, TrialResult
from mesh_reloc_ros.align.alignment import Alignment, AlignMode
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.align.solver import align
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import distance

# `adam` renders at every step, so it is given an image of about this width.
_ADAM_WIDTH = 160
# Standard deviation of the logarithm of the gain of images of the small room.
_GAIN_SIGMA = 0.1


@dataclass(frozen=True)
class Trial:
    """An image, its true pose and a start pose [4, 4], map_T_camera."""

    level: Level
    frame: Frame
    truth: Array
    start: Array
    depth: float
    """Median depth in the image, metres."""


def small_room_sequence(count: int) -> tuple[Scene, PosedSequence]:
    """Return the small room and images of it, each with its own noise and gain."""
    scene = Scene(small_room_mesh(), device='cpu')
    poses = np.array([pose_at(step) for step in np.linspace(*PATH_STEPS, count)])
    frames = []
    for number, pose in enumerate(poses):
        rng = np.random.default_rng((11, number))
        gain = np.exp(rng.normal(scale=_GAIN_SIGMA, size=3))
        image = photographed(rendered(scene, pose), number, tuple(gain))
        frames.append(Frame(number, image, CAMERA))
    return scene, PosedSequence(frames, poses)


def run_trials(
    scene: Scene,
    sequence: PosedSequence,
    settings: Settings,
    *,
    lm: Sequence[tuple[Level, int]],
    adam: Sequence[tuple[Level, int]],
    file: TextIO | None = None,
) -> list[TrialResult]:
    """Run the methods from a number of start poses per level.

    :param lm: levels and numbers for `lm`, with and without hint. :param adam: the same for `adam`.
    :param file: where progress is shown, if anywhere.
    """
    methods = Methods(scene, settings)
    work = [
        (method, trial)
        for method, levels in ((methods.lm, lm), (methods.adam, adam))
        for level, count in levels
        for trial in make_trials(scene, sequence, level, count)
    ]
    shown = progress_bar(work, 'basin', file, unit='start')
    return [result for method, trial in shown for result in method(trial)]


def make_trials(scene: Scene, sequence: PosedSequence, level: Level, count: int) -> Iterator[Trial]:
    """Yield trials of a level, with images spread evenly over the sequence.

    The random directions are the same for every run and every level.
    """
    chosen = np.linspace(0, len(sequence) - 1, count).round().astype(int)
    for number, index in enumerate(chosen.tolist()):
        frame, truth = sequence.frames[index], sequence.poses[index]
        depth = scene.median_depth(truth, frame.camera)
        rng = np.random.default_rng((12, number))
        start = perturbed(truth, rng, level.percent / 100 * depth, level.degrees)
        yield Trial(level, frame, truth, start, depth)


class Methods:
    """The methods; each takes one trial after the other."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._settings = settings
        self._scene = scene
        self._relocalizer = make_relocalizer(
            scene, settings.relocalization, settings.alignment, mesh=None
        )

    def lm(self, trial: Trial) -> list[TrialResult]:
        """Align coarse to fine, as the tracker does from a start pose; then search if that fails.

        Returns the result of the alignment, and the result with the search. The search runs if the
        score is below that which the relocalizer requires.
        """
        alignment, cpu_s = _timed(lambda: self._align(trial, solver='lm'))
        pose, accepted = alignment.pose, self._is_accepted(alignment)
        plain = _result(LM, trial, pose, accepted, cpu_s)
        if accepted:
            return [plain, dataclasses.replace(plain, method=HINTED)]
        hint = InitialPose(trial.start)
        found, hint_s = _timed(lambda: self._relocalizer.locate(trial.frame, hint))
        pose = np.full((4, 4), np.inf) if found is None else found.pose
        hinted = _result(HINTED, trial, pose, found is not None, cpu_s + hint_s)
        return [plain, dataclasses.replace(hinted, hint_s=hint_s)]

    def adam(self, trial: Trial) -> list[TrialResult]:
        """Align by Adam, on a smaller image."""
        level = max(round(np.log2(trial.frame.camera.width / _ADAM_WIDTH)), 0)
        smaller = dataclasses.replace(self._settings.alignment, finest_level=level)
        alignment, cpu_s = _timed(lambda: self._align(trial, solver='adam', alignment=smaller))
        return [_result(ADAM, trial, alignment.pose, self._is_accepted(alignment), cpu_s)]

    def _align(self, trial: Trial, **changes: Any) -> Alignment:
        """Align coarse to fine from the start of a trial, with changed settings."""
        settings = dataclasses.replace(self._settings, **changes)
        pyramid = image_pyramid(trial.frame.image, trial.frame.camera)
        start = torch.from_numpy(trial.start)[None]
        return align(self._scene, pyramid, start, None, settings, AlignMode.COARSE)

    def _is_accepted(self, alignment: Alignment) -> bool:
        return float(alignment.score[0]) >= self._settings.relocalization.min_score


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of `work` and the processor time of all threads, seconds."""
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def _result(method: str, trial: Trial, pose: Array, accepted: bool, cpu_s: float) -> TrialResult:
    metres, radians = distance(pose, trial.truth)
    degrees = float(np.degrees(radians))
    return TrialResult(method, trial.level, metres / trial.depth, degrees, accepted, cpu_s)
