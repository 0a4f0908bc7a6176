"""The methods that are compared, each run over the same images."""

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
from mesh_reloc_evaluation.posed_sequence import Clip
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.track.warm_up import warm_up
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.trajectory import Trajectory

Pose = NDArray[np.float64]
Answer = TypeVar('Answer')

METHODS = ('lm', 'sift', 'orb', 'adam')
"""In the order in which they run: some may need the poses of `lm`."""
KEYFRAME_EVERY = 15
"""Images between two keyframes of `sift` and `orb`."""
_WARM_UPS = 2


@dataclass
class Run:
    """What a method answered to the images it got, and what that cost."""

    method: str
    stamps_ns: NDArray[np.int64]
    """[N] of the images it got."""
    answers: list[Pose | None] = field(default_factory=list)
    """[N], map_T_camera [4, 4], or None where the method does not answer."""
    latencies_ms: list[float] = field(default_factory=list)
    """[N], from having the image to having the answer."""
    between_ms: list[float] = field(default_factory=list)
    """[N] for `lm`: work that is done after the answer, in the time until the next image."""
    stages_ms: list[dict[str, float]] = field(default_factory=list)
    """[N] for `lm`: wall time by stage, `total` among them."""
    setup_s: float = 0.0
    """Time that keyframes took to render and describe."""
    cost: Cost = field(default_factory=Cost)

    @property
    def trajectory(self) -> Trajectory:
        """The answers that there are."""
        answered = [i for i, answer in enumerate(self.answers) if answer is not None]
        poses = [answer for answer in self.answers if answer is not None]
        return Trajectory(self.stamps_ns[answered], np.array(poses).reshape(-1, 4, 4))


def run_lm(scene: Scene, settings: Settings, clip: Clip, label: str = 'lm') -> Run:
    """Track all images. Poses that are not trusted are no answers."""
    settings = replace(settings, solver='lm')
    warm_up(scene, settings)
    tracker = Tracker(scene, settings)
    tracker.start_at(clip.start)
    run = Run('lm', clip.stamps_ns)
    with measured(scene.device) as run.cost:
        for frame in _shown(clip.frames, label):
            estimate = _timed(run.latencies_ms, tracker.track, frame)
            _timed(run.between_ms, _look_ahead, tracker, scene.device)
            run.answers.append(_answer(estimate))
            run.stages_ms.append(estimate.stages_ms)
    return run


def run_features(kind: str, scene: Scene, clip: Clip, known: Trajectory) -> Run:
    """Localize all images by `sift` or `orb`.

    :param known: the way of the camera, along which keyframes are rendered.
    """
    run = Run(kind, clip.stamps_ns)
    with opencv_on_all_cores():
        begin = time.perf_counter()
        keyframes = list(known.poses[::KEYFRAME_EVERY])
        localizer = FeatureLocalizer(kind, scene, clip.frames[0].camera, keyframes)
        run.setup_s = time.perf_counter() - begin
        for _ in range(_WARM_UPS):
            localizer.localize(clip.frames[0].image, clip.start)
        near = clip.start
        with measured(scene.device) as run.cost:
            for frame in _shown(clip.frames, kind):
                answer = _timed(run.latencies_ms, localizer.localize, frame.image, near)
                near = near if answer is None else answer
                run.answers.append(answer)
    return run


def run_adam(scene: Scene, settings: Settings, clip: Clip, known: Trajectory, images: int) -> Run:
    """Align a few images, spread evenly over the clip, each from the pose of the one before it.

    :param known: the way of the camera. :param images: how many; fewer where the clip is shorter.
    """
    settings = replace(settings, solver='adam')
    chosen = _spread(len(clip.frames), images)
    run = Run('adam', clip.stamps_ns[chosen])
    warm_up(scene, settings)
    with measured(scene.device) as run.cost:
        for index in _shown(chosen, 'adam'):
            tracker = Tracker(scene, settings)
            tracker.start_at(_pose_before(clip, known, index))
            frame = clip.frames[index]
            estimate = _timed(run.latencies_ms, tracker.track, frame)
            run.answers.append(_answer(estimate))
    return run


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Return up to `wanted` indices below `count`, evenly spread, the first and last left out."""
    return np.unique(np.linspace(0, count - 1, wanted + 2).round().astype(np.int64)[1:-1])


def _pose_before(clip: Clip, known: Trajectory, index: int) -> Pose:
    """Return the last known pose before an image."""
    earlier = np.flatnonzero(known.stamps_ns < clip.frames[index].stamp_ns)
    return np.asarray(known.poses[earlier[-1]]) if len(earlier) else clip.start


def _answer(estimate: PoseEstimate) -> Pose | None:
    return estimate.map_T_camera if estimate.trusted else None


def _look_ahead(tracker: Tracker, device: torch.device) -> None:
    tracker.look_ahead()
    if device.type == 'cuda':
        torch.cuda.synchronize()


def _timed(times_ms: list[float], work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Do the work and add its wall time to the list."""
    begin = time.perf_counter()
    result = work(*arguments)
    times_ms.append(1e3 * (time.perf_counter() - begin))
    return result


def _shown(items: Iterable[Any], label: str) -> Iterable[Any]:
    """Show progress, on stdout: what is on stderr is an error, and one line."""
    return progress_bar(items, f'{label:>4}', sys.stdout)
