"""The pictures of `mesh_reloc view`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.overlay.view import Image
from mesh_reloc_ros.progress import Progress
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted
from mesh_reloc_tools.drawing import drawn
from mesh_reloc_tools.pictures import below, beside, captioned
from mesh_reloc_tools.view.comparison import aligned, compared, searched
from mesh_reloc_tools.view.overview import overview, plan
from mesh_reloc_tools.viewpoints import upright

_WIDTH = 1280


class Picture(NamedTuple):
    """A picture, and what it says in words."""

    image: Image
    lines: list[str]
    poses: dict[str, Array]
    """map_T_camera [4, 4] of the cameras in it, by name."""


def with_image(
    scene: Scene,
    frame: Frame,
    pose: Array | None,
    settings: Settings,
    mesh: Path,
    progress: Progress,
) -> Picture:
    """Return an image beside the mesh; with the mesh as a whole, if the image is not found.

    :param pose: map_T_camera [4, 4] to start from; None: search. :param mesh: its file.
    """
    if pose is not None:
        estimate = aligned(scene, frame, pose, settings)
    else:
        estimate = searched(scene, frame, settings, mesh, progress)
    image, lines = compared(scene, frame, pose, estimate)
    given = {} if pose is None else {'the pose as it is given': pose}
    if estimate.is_located:
        name = 'the pose that the search found' if pose is None else 'the aligned pose'
        return Picture(image, lines, {**given, name: estimate.map_T_camera})
    whole = overview(scene, upright(settings.relocalization.up_axis), frame.camera)
    return Picture(below([image, whole.image]), [*lines, *whole.lines], {**given, **whole.poses})


def from_pose(scene: Scene, pose: Array, camera: Camera, up_axis: str) -> Picture:
    """Return what a camera sees at a pose [4, 4] in the map, and where that is."""
    width = min(camera.width, _WIDTH)
    camera = camera.resized(width, round(camera.height * width / camera.width))
    place = shifted(pose, -scene.mesh.origin)
    image, coverage = drawn(scene, place, camera)
    text = f'the pose as it is given: the mesh covers {coverage:.0%}'
    if coverage > 0:
        text += f', at {scene.median_depth(place, camera):.3g} m in the median'
    height = len(image)
    where = plan(scene, upright(up_axis), place[None], (height, height))
    poses = {'the pose as it is given': pose}
    return Picture(beside([captioned(image, text), where]), [text], poses)


def as_a_whole(scene: Scene, camera: Camera, up_axis: str) -> Picture:
    """Return the mesh as a whole, and from some places in it."""
    return Picture(*overview(scene, upright(up_axis), camera))
