"""The measurements: modes, stages, graphs, mesh and image sizes, and the method compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from mesh_reloc_evaluation.bench.methods import Pose, run_lm
from mesh_reloc_evaluation.bench.metrics import summarize_run, summarize_stages
from mesh_reloc_evaluation.bench.refine import refined
from mesh_reloc_evaluation.device_modes import MODES, settings_of
from mesh_reloc_evaluation.gpu_run.adam_pytorch3d import AdamThroughPyTorch3D
from mesh_reloc_evaluation.gpu_run.graph_times import graph_times_ms
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.resize import resized
from mesh_reloc_evaluation.trajectory_errors import summarize_errors
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import distance

Row = dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    modes: tuple[str, ...] = tuple(MODES)
    modes_by_size: tuple[str, ...] = tuple(MODES)
    """Of the tables by faces and by image size, and of the comparison."""
    faces: tuple[int, ...] = (200_000, 1_000_000, 2_000_000)
    """Beside those of the mesh."""
    sizes: tuple[tuple[int, int], ...] = ((640, 480), (1280, 720), (1920, 1080))
    images: int = 60
    """Of each mesh and image size."""
    repeats: int = 50
    """Of each graph that is timed by itself."""
    compared_size: tuple[int, int] = (960, 539)
    compared_device: str = 'cuda'
    compared_images: tuple[int, ...] = (20, 48, 76, 104, 132)
    """Images that the other method aligns, each from the true pose of the fourth before."""


@dataclass(frozen=True)
class Subject:
    """What is measured. Mesh and poses are about the origin of the mesh."""

    mesh: TexturedMesh
    sequence: PosedSequence
    settings: Settings
    extent: Extent = field(default_factory=Extent)

    @property
    def start(self) -> Pose:
        """The true pose of the first image."""
        return np.asarray(self.sequence.poses[0])


def by_mode(subject: Subject) -> list[Row]:
    """Return metrics of each mode on all images, with stages and times of graphs."""
    rows = []
    for mode in subject.extent.modes:
        scene = _scene(subject.mesh, mode, subject.settings)
        row = _tracked(scene, mode, subject, subject.sequence)
        graphs: dict[str, float] = {}
        if scene.solving is not None:
            for repeater in (scene.repeater, scene.solving.repeater):
                graphs.update(graph_times_ms(repeater, subject.extent.repeats))
        rows.append({**row, 'graphs_ms': graphs})
    return rows


def by_faces(subject: Subject) -> list[Row]:
    """Return metrics by number of faces and mode."""
    rows = []
    part = _first(subject.sequence, subject.extent.images)
    for faces in (None, *subject.extent.faces):
        mesh = subject.mesh if faces is None else refined(subject.mesh, faces)
        for mode in subject.extent.modes_by_size:
            begin = time.perf_counter()
            scene = _scene(mesh, mode, subject.settings)
            load_s = time.perf_counter() - begin
            row = _tracked(scene, mode, subject, part)
            rows.append({'faces': len(mesh.faces), 'load_s': load_s, **row})
    return rows


def by_size(subject: Subject) -> list[Row]:
    """Return metrics by image size and mode."""
    rows = []
    part = _first(subject.sequence, subject.extent.images)
    for width, height in subject.extent.sizes:
        frames = [resized(frame, width, height) for frame in part.frames]
        for mode in subject.extent.modes_by_size:
            scene = _scene(subject.mesh, mode, subject.settings)
            row = _tracked(scene, mode, subject, PosedSequence(frames, part.poses))
            rows.append({'size': f'{width}x{height}', **row})
    return rows


def compared(subject: Subject) -> list[Row]:
    """Return time and error of the other method, and of each mode on the same image size."""
    width, height = subject.extent.compared_size
    chosen = [index for index in subject.extent.compared_images if index < len(subject.sequence)]
    frames = [resized(frame, width, height) for frame in subject.sequence.frames]
    device = torch.device(subject.extent.compared_device)
    other = AdamThroughPyTorch3D(subject.mesh, frames[0].camera, device)
    times, steps, errors = [], [], []
    for number, index in enumerate((chosen[0], *chosen)):
        start = np.asarray(subject.sequence.poses[max(index - 4, 0)])
        begin = time.perf_counter()
        pose, taken = other.align(frames[index].image, start, subject.settings.adam)
        if number:
            # The first time warms up.
            times.append(1e3 * (time.perf_counter() - begin))
            steps.append(taken)
            errors.append(distance(pose, subject.sequence.poses[index]))
    metres, radians = np.array(errors).T
    rows: list[Row] = [
        {
            'mode': 'Adam through PyTorch3D',
            'images': len(times),
            'latency_ms_p50': float(np.median(times)),
            'steps': float(np.median(steps)),
            **summarize_errors(metres, np.degrees(radians)),
        }
    ]
    sequence = PosedSequence(frames, subject.sequence.poses)
    for mode in subject.extent.modes_by_size:
        scene = _scene(subject.mesh, mode, subject.settings)
        row = _tracked(scene, mode, subject, _first(sequence, subject.extent.images))
        rows.append({**row, 'ratio': rows[0]['latency_ms_p50'] / row['latency_ms_p50']})
    return rows


def _scene(mesh: TexturedMesh, mode: str, settings: Settings) -> Scene:
    return Scene(mesh, settings_of(mode, settings).device)


def _tracked(scene: Scene, mode: str, subject: Subject, sequence: PosedSequence) -> Row:
    """Return metrics of a run; images a second as pose and keyframe follow each other."""
    run = run_lm(scene, settings_of(mode, subject.settings), sequence, subject.start, mode)
    # The first image is aligned coarse to fine, and the first keyframes fill the graphs.
    each = (np.array(run.latencies_ms) + np.array(run.between_ms))[len(run.latencies_ms) // 4 :]
    return {
        'mode': mode,
        'has_failed': scene.solving is not None and scene.solving.has_failed,
        'images_per_s': 1e3 / float(each.mean()),
        'stages': summarize_stages(run),
        **summarize_run(run, sequence.truth),
    }


def _first(sequence: PosedSequence, count: int) -> PosedSequence:
    return PosedSequence(sequence.frames[:count], sequence.poses[:count])
