"""A mesh that is looked at without a pose: as a whole, and from some places in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mesh_reloc_ros.overlay.view import Image
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import pose_to_numbers, shifted
from mesh_reloc_tools.drawing import drawn, seen_along
from mesh_reloc_tools.pictures import below, beside, captioned
from mesh_reloc_tools.viewpoints import standing_views, up_vector

COUNT = 4
_WIDE, _SMALL = (800, 600), 400
# How far one looks down into the doll's house, and from which side.
_DOWN = 1.2


class Overview(NamedTuple):
    """A picture of a mesh as a whole, and the cameras in it."""

    image: Image
    lines: list[str]
    poses: dict[str, Array]
    """map_T_camera [4, 4] by name."""


def overview(scene: Scene, up_axis: str, camera: Camera) -> Overview:
    """Return a picture of a mesh as a whole, and from some places in it.

    :param camera: of the views from inside.
    """
    up = up_vector(up_axis)
    height = round(_SMALL * camera.height / camera.width)
    small = camera.resized(_SMALL, height)
    poses = standing_views(scene, small, up, COUNT)
    views, lines, named = [], [], {}
    for number, pose in enumerate(poses, start=1):
        image, coverage = drawn(scene, pose, small)
        views.append(captioned(image, f'{number}: the mesh covers {coverage:.0%}', 0.8))
        named[f'view {number}'] = in_map = shifted(pose, scene.mesh.origin)
        numbers = ' '.join(f'{value:.4f}' for value in pose_to_numbers(in_map))
        lines.append(f'{number}: pose {numbers}')
    whole = beside([_doll_house(scene, up, up_axis, poses), plan(scene, up_axis, poses, _WIDE)])
    return Overview(below([whole, beside(views)]), lines, named)


def plan(scene: Scene, up_axis: str, cameras: Array, size: tuple[int, int]) -> Image:
    """Return the mesh from above with cameras [N, 4, 4] in it, and a caption."""
    up = up_vector(up_axis)
    right, top = (axis for axis in 'xyz' if axis != up_axis[-1])
    if np.cross(up_vector(right), up_vector(top)) @ up < 0:
        right, top = top, right
    image = seen_along(scene, -up, up_vector(top), size, cameras)
    extent = np.ptp(scene.mesh.vertices, axis=0)
    sides = [float(extent['xyz'.index(axis)]) for axis in (right, top)]
    text = f'from above: {right} to the right, {sides[0]:,.4g} m; {top} upwards, {sides[1]:,.4g} m'
    return captioned(image, text)


def _doll_house(scene: Scene, up: Array, up_axis: str, cameras: Array) -> Image:
    sideways = np.roll(up, 1) + 0.6 * np.roll(up, 2)
    direction = np.abs(sideways) / np.linalg.norm(sideways) - _DOWN * up
    direction /= np.linalg.norm(direction)
    image = seen_along(scene, direction, up, _WIDE, cameras)
    return captioned(image, f'the whole mesh, {up_axis} up')
