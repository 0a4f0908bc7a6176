"""The images of a case, searched for one by one, and tracked from nothing and from a start."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mesh_reloc_evaluation.bench.from_nothing.cases import Case, spread
from mesh_reloc_evaluation.bench.from_nothing.cut import median_coverage
from mesh_reloc_evaluation.bench.from_nothing.scenes import Place
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.trajectory_errors import is_wrong, pose_errors
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer, make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.trajectory import Trajectory

Metrics = dict[str, Any]


@dataclass
class Answers:
    """Poses that were given for images of a sequence."""

    sequence: PosedSequence
    """The images that were asked for."""
    given: Trajectory
    """The poses of those that were answered."""
    times_s: list[float] = field(default_factory=list)
    """[N], of each image."""

    @property
    def errors(self) -> tuple[Array, Array]:
        """Metres and degrees [M] of the answers."""
        return pose_errors(self.given, Trajectory(self.sequence.stamps_ns, self.sequence.poses))

    def metrics(self) -> Metrics:
        """Return how many images were asked for, answered, and answered wrongly."""
        return {
            'images': len(self.sequence),
            'answers': len(self.given),
            'wrong': int(is_wrong(*self.errors).sum()),
        }


def measure(case: Case, settings: Settings, images: int) -> Iterator[Metrics]:
    """Yield the metrics of each place of a case.

    :param images: number of images that are searched for one by one.
    """
    scene = Scene(case.mesh, settings.device, settings.rasterizer)
    relocalizer = make_relocalizer(scene, settings.relocalization, settings.alignment, None)
    begin = time.perf_counter()
    for place in case.places:
        relocalizer.prepare(place.sequence.camera)
    prepare_s = time.perf_counter() - begin
    for place in case.places:
        some = spread(place.sequence, images)
        found = _found(relocalizer, some)
        answers = {'found': found}
        if not case.is_ambiguous:
            answers['published'] = _tracked(scene, settings, relocalizer, place, None)
            start = place.sequence.poses[0]
            answers['with_start'] = _tracked(scene, settings, relocalizer, place, start)
        metrics = {
            'scene': place.name,
            'case': case.name,
            'coverage': median_coverage(case.mesh, some),
            **{name: of.metrics() for name, of in answers.items()},
            **_errors(scene, [of for name, of in answers.items() if name != 'with_start']),
            'query_s_p50': float(np.median(found.times_s)),
            'query_s_max': max(found.times_s),
            'prepare_s': prepare_s,
        }
        if case.is_ambiguous:
            # That it may be the right one of two is luck.
            metrics['found']['wrong'] = len(found.given)
        yield metrics


def _found(relocalizer: Relocalizer, sequence: PosedSequence) -> Answers:
    """Search for each image by itself."""
    stamps, poses, times_s = [], [], []
    for frame in sequence.frames:
        begin = time.perf_counter()
        alignment = relocalizer.locate(frame)
        times_s.append(time.perf_counter() - begin)
        if alignment is not None:
            stamps.append(frame.stamp_ns)
            poses.append(alignment.pose)
    return Answers(sequence, _trajectory(stamps, poses), times_s)


def _tracked(
    scene: Scene, settings: Settings, relocalizer: Relocalizer, place: Place, start: Array | None
) -> Answers:
    """Track all images from a start pose [4, 4], or from nothing."""
    with Pipeline(scene, settings, relocalizer) as pipeline:
        trusted = [
            (estimate.stamp_ns, estimate.map_T_camera)
            for estimate in pipeline.run(place.sequence.frames, start)
            if estimate.trusted
        ]
    given = _trajectory([stamp for stamp, _ in trusted], [pose for _, pose in trusted])
    return Answers(place.sequence, given)


def _trajectory(stamps: list[int], poses: list[Array]) -> Trajectory:
    return Trajectory(np.array(stamps, dtype=np.int64), np.array(poses).reshape(-1, 4, 4))


def _errors(scene: Scene, answers: Sequence[Answers]) -> Metrics:
    """Return median and maximum of the errors in cm, and in % of the distance to the mesh."""
    metres = np.concatenate([of.errors[0] for of in answers])
    if not len(metres):
        return {}
    distance = np.concatenate([_distances(scene, of) for of in answers])
    percent = 100 * metres / distance
    return {
        'cm_p50': 100 * float(np.median(metres)),
        'cm_max': 100 * float(metres.max()),
        'percent_p50': float(np.median(percent)),
        'percent_max': float(percent.max()),
    }


def _distances(scene: Scene, answers: Answers) -> Array:
    """Return the median depth [M] of the mesh in the images that were answered, metres."""
    answered = np.isin(answers.sequence.stamps_ns, answers.given.stamps_ns)
    poses, camera = answers.sequence.poses[answered], answers.sequence.camera
    return np.array([scene.median_depth(pose, camera) for pose in poses])
