"""What the host does with a GPU for one tracked image, counted on an emulated GPU."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

from mesh_reloc_evaluation.bench.run import start_pose
from mesh_reloc_evaluation.device_modes import settings_of
from mesh_reloc_evaluation.emulated_gpu.counts import Counts
from mesh_reloc_evaluation.emulated_gpu.emulation import emulated_gpu
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_sequence
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import shifted

MODES = 'hybrid', 'cuda'
"""Of those with a GPU; the default is last."""
# Graphs are captured with the first keyframes.
_FIRST_KEYFRAMES, _KEYFRAMES = 3, 3


def run_launches(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the counts of each mode, and return the exit status 0.

    :raises InputError: an argument, the mesh or the recording is unusable.
    """
    if not (arguments.mesh and recording_name(arguments)):
        raise InputError('give --mesh and --bag, --video or --images')
    use_one_core_per_operation()
    sequence = read_sequence(arguments)
    start = start_pose(arguments.initial_pose, sequence)
    mesh = load_mesh(arguments.mesh)
    start = shifted(start, -mesh.origin)
    scene_mesh = mesh.about_zero()
    for mode in MODES:
        with emulated_gpu() as counts:
            pipeline = Pipeline(Scene(scene_mesh, 'cuda'), settings_of(mode, settings))
            pipeline.start_at(start)
            images = _tracked(pipeline, sequence.about(mesh.origin), counts)
        _report(mode, images)
    return 0


@dataclass(frozen=True)
class _Image:
    """What one image cost: from its arrival to its pose, and what was rendered for the next."""

    pose: Counts
    ahead: Counts

    @property
    def total(self) -> Counts:
        """Both together."""
        return Counts(
            *(a + b for a, b in zip(_numbers(self.pose), _numbers(self.ahead), strict=True))
        )


def _tracked(pipeline: Pipeline, sequence: PosedSequence, counts: Counts) -> list[_Image]:
    """Track images until enough keyframes are rendered; return those after the first keyframes."""
    images: list[_Image] = []
    keyframes = 0
    for frame in sequence.frames:
        before = replace(counts)
        pipeline.track(frame)
        between = replace(counts)
        pipeline.look_ahead()
        image = _Image(_change(before, between), _change(between, counts))
        if keyframes >= _FIRST_KEYFRAMES:
            images.append(image)
        keyframes += image.ahead.launches > 0
        if keyframes == _FIRST_KEYFRAMES + _KEYFRAMES:
            break
    return images


def _report(mode: str, images: list[_Image]) -> None:
    """Print the counts of the median image with a keyframe, and of that without."""
    groups = [[], []]  # type: list[list[_Image]]
    for image in images:
        groups[image.ahead.launches > 0].append(image)
    if not all(groups):
        raise InputError('the recording is too short: it needs a camera that moves on')
    alone, ahead = (
        sorted((image.total for image in group), key=lambda count: count.launches)[len(group) // 2]
        for group in groups
    )
    print(
        f'{mode}: an image, and the keyframe that is rendered for the next ({ahead.graphs} graphs'
        f' of {ahead.in_graphs} operations)'
    )
    print(f'operations: {ahead.operations}')
    print(f'launches: {ahead.launches}')
    print(f'host synchronisations: {ahead.synchronisations}')
    print(
        f'An image without a keyframe: {alone.operations} operations, {alone.launches} launches,'
        f' {alone.synchronisations} host synchronisations',
        flush=True,
    )


def _numbers(counts: Counts) -> list[int]:
    return list(vars(counts).values())


def _change(before: Counts, after: Counts) -> Counts:
    return Counts(*(b - a for a, b in zip(_numbers(before), _numbers(after), strict=True)))
