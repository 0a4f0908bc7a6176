"""`mesh_reloc track --html`: collects what the page shows while a recording is tracked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_tools.page.camera_data import camera_data
from mesh_reloc_tools.page.mesh_data import mesh_data
from mesh_reloc_tools.page.page import check_page, write_page
from mesh_reloc_tools.track_page.content import content_of, summary_of
from mesh_reloc_tools.track_page.pictures import Pictures
from mesh_reloc_tools.track_page.track_data import track_data
from mesh_reloc_tools.viewpoints import upright

__all__ = ['check_page', 'page_of_track']

# Cosine between an axis and the upper edge of the images in the mean, so that the axis is up.
_UPRIGHT = 0.7


@contextmanager
def page_of_track(
    path: Path, scene: Scene, recording: Recording, up_axis: str
) -> Iterator[Callable[[Frame, PoseEstimate], None]]:
    """Yield a function that takes an image and its pose; write the page at the end.

    :param up_axis: of the mesh in the settings, as `z`; `any`: not known.
    :raises InputError: the page cannot be written.
    """
    estimates: list[PoseEstimate] = []
    pictures = Pictures(scene)
    camera: Camera | None = None

    def add(frame: Frame, estimate: PoseEstimate) -> None:
        nonlocal camera
        camera = frame.camera
        estimates.append(estimate)
        pictures.add(frame, estimate)

    yield add
    if camera is None:
        return
    mesh = scene.mesh
    track = track_data(estimates, mesh.origin)
    data = {
        'mesh': mesh_data(mesh, _up(up_axis, estimates)),
        **camera_data(scene, camera),
        'track': track,
        'poses': [],
    }
    content = content_of(estimates, recording, pictures.taken)
    write_page(
        path, f'Trajectory of {Path(recording.name).name}', summary_of(estimates), data, content
    )


def _up(axis: str, estimates: Sequence[PoseEstimate]) -> str:
    """Return the axis that is up in most images; the given one, if they are not upright."""
    tops = [-e.map_T_camera[:3, 1] for e in estimates if e.trusted]
    mean = np.mean(tops, axis=0) if tops else np.zeros(3)
    number = int(np.abs(mean).argmax())
    if abs(mean[number]) < _UPRIGHT:
        return upright(axis)
    return ('-' if mean[number] < 0 else '') + 'xyz'[number]
