"""From parameters to a pipeline that is ready for the first image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.files import absolute
from mesh_reloc_ros.kernels.compile import compilation_shown
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.progress import Progress, cancellable, progress_lines
from mesh_reloc_ros.recordings.reference_cameras import read_reference_cameras
from mesh_reloc_ros.ros._parameters import mesh_path


def load(
    node: NodeSettings,
    settings: Settings,
    log: Callable[[str], object],
    show: Progress,
    cancel: Event,
) -> Pipeline:
    """Load the mesh, warm up, and prepare the search.

    :param log: called with a line for each step that takes time.
    :param show: called with the progress of each step.
    :param cancel: ends the loading when it is set.
    :raises InputError: the mesh, the device or the reference cameras cannot be used.
    :raises CancelledError: `cancel` was set.
    """
    lines = progress_lines(log)

    def report(step: str, done: float) -> None:
        lines(step, done)
        show(step, done)

    progress = cancellable(report, cancel)
    with compilation_shown(progress):
        return _load(node, settings, log, progress)


def _load(
    node: NodeSettings, settings: Settings, log: Callable[[str], object], progress: Progress
) -> Pipeline:
    mesh = mesh_path(node.mesh)
    log(f'loading {mesh}')
    progress(f'loading {mesh.name}', 0.0)
    cameras = None
    if node.reference_cameras and settings.relocalization.enabled:
        file = absolute(node.reference_cameras, 'parameter reference_cameras')
        cameras = read_reference_cameras(file)
    pipeline = Pipeline.load(
        mesh, settings, reference_cameras=cameras, background_search=True, progress=progress
    )
    for notice in pipeline.scene.mesh.notices:
        log(f'mesh {mesh.name}: {notice}')
    log('warming up (the first time takes longer)')
    progress('warming up (the first time takes longer)', 0.0)
    pipeline.warm_up()
    progress('warming up', 1.0)
    if pipeline.scene.device.type == 'cuda':
        log(f'images are aligned on {pipeline.solver_device}')
    if pipeline.relocalizer is not None:
        log('preparing views of the mesh (the first time takes longer)')
        progress('preparing views of the mesh', 0.0)
        pipeline.prepare()
    return pipeline


def describe(pipeline: Pipeline, mesh: Path) -> dict[str, str]:
    """Return what the diagnostics show of a loaded pipeline."""
    scene = pipeline.scene
    return {
        'mesh': str(mesh),
        'faces': str(len(scene.mesh.faces)),
        'device': str(scene.device),
        'rasterizer': scene.rasterizer.name,
        'solver': pipeline.settings.solver,
        'solver device': pipeline.solver_device,
    }
