"""The methods that are compared, run on the same images."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.bench.features import FeatureLocalizer, opencv_on_all_cores
from mesh_reloc_evaluation.bench.measure import Cost, measured
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.trajectory import Trajectory

Pose = NDArray[np.float64]
Result = TypeVar('Result')

METHODS = ('lm', 'sift', 'orb', 'adam')
"""In the order in which they run: without true poses, the others use those of `lm`."""
KEYFRAME_EVERY = 15
"""Number of images from one keyframe of `sift` and `orb` to the next."""
_WARM_UPS = 2


@dataclass
class Run:
    """Poses and cost of one method."""

    method: str
    stamps_ns: NDArray[np.int64]
    """[N] of the images it was given."""
    answers: list[Pose | None] = field(default_factory=list)
    """[N] map_T_camera [4, 4]; None if the method gives no pose."""
    latencies_ms: list[float] = field(default_factory=list)
    """[N] from the decoded image to the pose."""
    between_ms: list[float] = field(default_factory=list)
    """[N], `lm` only: work after the pose, before the next image."""
    stages_ms: list[dict[str, float]] = field(default_factory=list)
    """[N], `lm` only: wall time by stage, including `total`."""
    setup_s: float = 0.0
    """Time to render and describe the keyframes."""
    cost: Cost = field(default_factory=Cost)

    @property
    def trajectory(self) -> Trajectory:
        """The poses of the images that have one."""
        answered = [i for i, answer in enumerate(self.answers) if answer is not None]
        poses = [answer for answer in self.answers if answer is not None]
        return Trajectory(self.stamps_ns[answered], np.array(poses).reshape(-1, 4, 4))


def run_lm(
    scene: Scene, settings: Settings, sequence: PosedSequence, start: Pose, label: str = 'lm'
) -> Run:
    """Track all images; a pose that is not trusted counts as no answer."""
    pipeline = Pipeline(scene, replace(settings, solver='lm'))
    pipeline.warm_up()
    pipeline.start_at(start)
    run = Run('lm', sequence.stamps_ns)
    with measured(scene.device) as run.cost:
        for frame in _with_progress(sequence.frames, label):
            estimate = _timed(run.latencies_ms, pipeline.track, frame)
            _timed(run.between_ms, _look_ahead, pipeline)
            run.answers.append(_answer(estimate))
            run.stages_ms.append(estimate.stages_ms)
    return run


def run_features(
    kind: str, scene: Scene, sequence: PosedSequence, start: Pose, path: Trajectory
) -> Run:
    """Localize all images by `sift` or `orb`.

    :param path: of the camera; keyframes are rendered along it.
    """
    run = Run(kind, sequence.stamps_ns)
    with opencv_on_all_cores():
        begin = time.perf_counter()
        keyframes = list(path.poses[::KEYFRAME_EVERY])
        localizer = FeatureLocalizer(kind, scene, sequence.camera, keyframes)
        run.setup_s = time.perf_counter() - begin
        for _ in range(_WARM_UPS):
            localizer.localize(sequence.frames[0].image, start)
        last = start
        with measured(scene.device) as run.cost:
            for frame in _with_progress(sequence.frames, kind):
                answer = _timed(run.latencies_ms, localizer.localize, frame.image, last)
                last = last if answer is None else answer
                run.answers.append(answer)
    return run


def run_adam(
    scene: Scene,
    settings: Settings,
    sequence: PosedSequence,
    start: Pose,
    path: Trajectory,
    images: int,
) -> Run:
    """Align a few images, spread evenly over the sequence, each from the pose before it.

    :param path: of the camera. :param images: their number; fewer if the sequence is shorter.
    """
    settings = replace(settings, solver='adam')
    chosen = _spread(len(sequence), images)
    run = Run('adam', sequence.stamps_ns[chosen])
    Pipeline(scene, settings).warm_up()
    with measured(scene.device) as run.cost:
        for index in _with_progress(chosen, 'adam'):
            frame = sequence.frames[index]
            earlier = np.flatnonzero(path.stamps_ns < frame.stamp_ns)
            pipeline = Pipeline(scene, settings)
            pipeline.start_at(path.poses[earlier[-1]] if len(earlier) else start)
            run.answers.append(_answer(_timed(run.latencies_ms, pipeline.track, frame)))
    return run


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Return up to `wanted` indices below `count`, evenly spread, without the first and last."""
    return np.unique(np.linspace(0, count - 1, wanted + 2).round().astype(np.int64)[1:-1])


def _answer(estimate: PoseEstimate) -> Pose | None:
    return estimate.map_T_camera if estimate.trusted else None


def _look_ahead(pipeline: Pipeline) -> None:
    pipeline.look_ahead()
    if pipeline.scene.device.type == 'cuda':
        torch.cuda.synchronize()


def _timed(times_ms: list[float], work: Callable[..., Result], *arguments: Any) -> Result:
    """Call `work` and append its wall time to the list."""
    begin = time.perf_counter()
    result = work(*arguments)
    times_ms.append(1e3 * (time.perf_counter() - begin))
    return result


def _with_progress(items: Iterable[Any], label: str) -> Iterable[Any]:
    return progress_bar(items, f'{label:>4}', sys.stdout)
