"""From parameters to a tracker that is ready for the first image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.files import absolute
from mesh_reloc_ros.progress import ProgressLines
from mesh_reloc_ros.recordings.reference_cameras import read_reference_cameras
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.ros.parameters import mesh_path
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.track.warm_up import warm_up


@dataclass(frozen=True)
class Loaded:
    """What takes seconds to make."""

    mesh: Path
    scene: Scene
    search: Search | None
    """None where searching is switched off."""
    tracker: Tracker

    @property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest of the mesh along the map's z axis, metres."""
        z = self.scene.mesh.vertices[:, 2]
        return float(z.min()), float(z.max())

    def facts(self, pipeline: Settings) -> dict[str, str]:
        """Return what the diagnostics say of it."""
        return {
            'mesh': str(self.mesh),
            'faces': str(len(self.scene.mesh.faces)),
            'device': str(self.scene.device),
            'rasterizer': self.scene.rasterizer.name,
            'solver': pipeline.solver,
        }


def load(
    node: NodeSettings,
    pipeline: Settings,
    say: Callable[[str], object],
    check: Callable[[], object],
) -> Loaded:
    """Load the mesh, warm up, and prepare the search.

    :param say: called with a line for each thing that takes time.
    :param check: called all along; what it raises ends the loading.
    :raises InputError: the mesh, the device or the cameras of `views` cannot be used.
    """
    mesh = mesh_path(node.mesh)
    say(f'loading {mesh}')
    lines = ProgressLines(say)

    def progress(stage: str, done: float) -> None:
        check()
        lines(stage, done)

    scene = Scene.load(mesh, pipeline.device, pipeline.rasterizer, progress)
    check()
    say('warming up (the first time takes longer)')
    warm_up(scene, pipeline)
    search = None
    if pipeline.relocalization.enabled:
        check()
        say('preparing views of the mesh (the first time takes longer)')
        views = absolute(node.views, 'parameter views') if node.views else None
        cameras = None if views is None else read_reference_cameras(views)
        relocalizer = make_relocalizer(
            scene, pipeline.relocalization, pipeline.alignment, mesh, cameras, progress
        )
        relocalizer.prepare()
        search = Search(relocalizer, background=True)
    return Loaded(mesh, scene, search, Tracker(scene, pipeline, search))
