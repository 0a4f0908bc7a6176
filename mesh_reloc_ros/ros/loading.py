"""From parameters to a pipeline that is ready for the first image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.files import absolute
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.progress import ProgressLines
from mesh_reloc_ros.recordings.reference_cameras import read_reference_cameras
from mesh_reloc_ros.ros.parameters import mesh_path


def load(
    node: NodeSettings,
    settings: Settings,
    say: Callable[[str], object],
    check: Callable[[], object],
) -> Pipeline:
    """Load the mesh, warm up, and prepare the search.

    :param say: called with a line for each step that takes time.
    :param check: called all along; what it raises ends the loading.
    :raises InputError: the mesh, the device or the cameras of `reference_cameras` cannot be used.
    """
    mesh = mesh_path(node.mesh)
    cameras = None
    if node.reference_cameras and settings.relocalization.enabled:
        path = absolute(node.reference_cameras, 'parameter reference_cameras')
        cameras = read_reference_cameras(path)
    say(f'loading {mesh}')
    lines = ProgressLines(say)

    def progress(stage: str, done: float) -> None:
        check()
        lines(stage, done)

    pipeline = Pipeline.load(
        mesh, settings, reference_cameras=cameras, background_search=True, progress=progress
    )
    check()
    say('warming up (the first time takes longer)')
    pipeline.warm_up()
    if pipeline.relocalizer is not None:
        check()
        say('preparing views of the mesh (the first time takes longer)')
        pipeline.prepare()
    return pipeline


def facts_of(pipeline: Pipeline, mesh: Path) -> dict[str, str]:
    """Return what the diagnostics show of a loaded pipeline."""
    scene = pipeline.scene
    return {
        'mesh': str(mesh),
        'faces': str(len(scene.mesh.faces)),
        'device': str(scene.device),
        'rasterizer': scene.rasterizer.name,
        'solver': pipeline.settings.solver,
    }


def heights_of(pipeline: Pipeline) -> tuple[float, float]:
    """Return the lowest and highest z of the mesh in the map, metres."""
    z = pipeline.scene.mesh.vertices[:, 2]
    return float(z.min()), float(z.max())
