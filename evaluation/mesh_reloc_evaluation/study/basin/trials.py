"""Starts at known distances from the truth, and where each method ends from them."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.posed_sequence import read_known_images
from mesh_reloc_evaluation.study.basin.metrics import ADAM, HINTED, LM, End, Level
from mesh_reloc_evaluation.study.consistency.trials import corner_setup
from mesh_reloc_ros.align.adam_aligner import AdamAligner
from mesh_reloc_ros.align.alignment import Aligner, Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.second_look import median_depth
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import distance

Array = NDArray[np.float64]

# `adam` renders at every step, so it gets an image of about so many pixels' width.
_ADAM_WIDTH = 160
# Of images that are rendered: noise, 1 sigma in grey levels, and gain, 1 sigma.
_NOISE, _GAIN_SIGMA = 5.0, 0.1


@dataclass(frozen=True)
class Start:
    """An image, its true pose and a start pose [4, 4], map_T_camera."""

    level: Level
    frame: Frame
    truth: Array
    pose: Array
    depth: float
    """Median depth of what the image shows, metres."""


@dataclass(frozen=True)
class Recording:
    """Images with their true poses [N, 4, 4], map_T_camera, in a scene."""

    scene: Scene
    frames: list[Frame]
    poses: Array


def read_recording(arguments: argparse.Namespace, settings: Settings) -> Recording:
    """Read a mesh and those images of a bag whose true pose is known, or film the small room.

    :raises InputError: a file is unusable or missing, or no true pose is known.
    """
    if not (arguments.mesh or arguments.bag or arguments.ground_truth):
        return corner_recording(max(arguments.trials, arguments.adam_trials))
    if not (arguments.mesh and arguments.bag):
        raise InputError('--mesh and --bag belong together: give both, or neither')
    frames, poses = read_known_images(arguments)
    scene = Scene.load(arguments.mesh, settings.device, settings.rasterizer)
    return Recording(scene, frames, poses)


def corner_recording(count: int) -> Recording:
    """Return so many images of the small room, with noise and an exposure of their own."""
    setup = corner_setup()
    chosen = np.linspace(0, len(setup.poses) - 1, count).round().astype(int)
    frames = []
    for number, pose in enumerate(setup.poses[chosen]):
        rng = np.random.default_rng((11, number))
        image = 255 * setup.scene.render(torch.from_numpy(pose), setup.camera).colour[0].numpy()
        image = image * np.exp(rng.normal(scale=_GAIN_SIGMA, size=3))
        image += rng.normal(scale=_NOISE, size=image.shape)
        frames.append(Frame(number, image.round().clip(0, 255).astype(np.uint8), setup.camera))
    return Recording(setup.scene, frames, setup.poses[chosen])


def ends_of(
    recording: Recording,
    settings: Settings,
    *,
    lm: Sequence[tuple[Level, int]],
    adam: Sequence[tuple[Level, int]],
    file: TextIO | None = None,
) -> list[End]:
    """Run `lm`, with and without hint, and `adam` from so many starts of each level.

    :param file: where progress is shown, if anywhere.
    """
    methods = Methods(recording.scene, settings)
    work = [
        (method, start)
        for method, levels in ((methods.lm, lm), (methods.adam, adam))
        for level, count in levels
        for start in make_starts(recording, level, count)
    ]
    shown = progress_bar(work, 'basin', file, unit='start')
    return [end for method, start in shown for end in method(start)]


def make_starts(recording: Recording, level: Level, count: int) -> Iterator[Start]:
    """Yield so many starts of a level, with images spread evenly over the recording.

    The directions are random and the same each time, and the same at every level.
    """
    chosen = np.linspace(0, len(recording.frames) - 1, count).round().astype(int)
    for number, index in enumerate(chosen.tolist()):
        frame, truth = recording.frames[index], recording.poses[index]
        depth = median_depth(recording.scene, truth, frame.camera)
        shift, axis = np.random.default_rng((12, number)).normal(size=(2, 3))
        shift *= level.percent / 100 * depth / np.linalg.norm(shift)
        axis *= np.radians(level.degrees) / np.linalg.norm(axis)
        pose = truth @ exp(np.concatenate((np.zeros(3), axis)))
        pose[:3, 3] += shift
        yield Start(level, frame, truth, np.asarray(pose), depth)


class Methods:
    """The methods, which are given one start after the other."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._settings = settings
        self._scene = scene
        self._lm = LmAligner(scene, settings.alignment)
        self._relocalizer = make_relocalizer(
            scene, settings.relocalization, settings.alignment, mesh=None
        )

    def lm(self, start: Start) -> list[End]:
        """Align thoroughly, as the tracker does from a start pose; search around it if in vain.

        Both ends are returned: that of the alignment, and that with the search. In vain is what is
        below the relocalizer's bar.
        """
        alignment, cpu_s = _timed(lambda: _aligned(self._lm, start))
        pose, accepted = alignment.map_T_camera[0].numpy(), self._is_clear(alignment)
        plain = _end(LM, start, pose, accepted, cpu_s)
        if accepted:
            return [plain, dataclasses.replace(plain, method=HINTED)]
        found, hint_s = _timed(
            lambda: self._relocalizer.locate(start.frame, InitialPose(start.pose))
        )
        pose = np.full((4, 4), np.inf) if found is None else found.map_T_camera
        hinted = _end(HINTED, start, pose, found is not None, cpu_s + hint_s)
        return [plain, dataclasses.replace(hinted, hint_s=hint_s)]

    def adam(self, start: Start) -> list[End]:
        """Align by Adam, on a smaller image."""
        level = max(round(np.log2(start.frame.camera.width / _ADAM_WIDTH)), 0)
        smaller = dataclasses.replace(self._settings.alignment, finest_level=level)
        aligner = AdamAligner(self._scene, smaller, self._settings.adam)
        alignment, cpu_s = _timed(lambda: _aligned(aligner, start))
        pose = alignment.map_T_camera[0].numpy()
        return [_end(ADAM, start, pose, self._is_clear(alignment), cpu_s)]

    def _is_clear(self, alignment: Alignment) -> bool:
        return float(alignment.score[0]) >= self._settings.relocalization.min_score


def _aligned(aligner: Aligner, start: Start) -> Alignment:
    return aligner.align(
        start.frame.image,
        start.frame.camera,
        torch.from_numpy(start.pose)[None],
        None,
        wide=True,
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Do the work, and return its result and the processor time of all threads, seconds."""
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def _end(method: str, start: Start, pose: Array, accepted: bool, cpu_s: float) -> End:
    metres, radians = distance(pose, start.truth)
    degrees = float(np.degrees(radians))
    return End(method, start.level, metres / start.depth, degrees, accepted, cpu_s)
