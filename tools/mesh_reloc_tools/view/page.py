"""The page of `mesh_reloc view --html`: the mesh, turned by the mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.trajectory import Trajectory
from mesh_reloc_tools.page.camera_data import camera_data, pose_data, way_data
from mesh_reloc_tools.page.mesh_data import mesh_data
from mesh_reloc_tools.page.page import write_page

# A step in time of so many usual ones is a gap.
_GAP = 5


def write_mesh_page(
    path: Path,
    scene: Scene,
    mesh: Path,
    up_axis: str,
    camera: Camera,
    poses: dict[str, Array],
    way: Trajectory | None,
) -> None:
    """Write a page with a mesh and cameras in it.

    :param mesh: its file. :param poses: map_T_camera [4, 4] by name. :param way: drawn as a line.
    :raises InputError: it cannot be written.
    """
    extent = ' x '.join(f'{side:,.4g}' for side in np.ptp(scene.mesh.vertices, axis=0).tolist())
    summary = f'{len(scene.mesh.faces):,} faces, {extent} m, {up_axis} up'
    origin = scene.mesh.origin
    data: dict[str, Any] = {
        'mesh': mesh_data(scene.mesh, up_axis),
        **camera_data(scene, camera),
        'poses': [{'name': name, 'pose': pose_data(pose, origin)} for name, pose in poses.items()],
    }
    if way is not None:
        data['way'] = way_data(list(way.poses), _joined(way), np.ones(len(way), bool), origin)
    write_page(path, mesh.name, summary, data)


def _joined(way: Trajectory) -> NDArray[np.bool_]:
    """Return whether each pose [N] follows the one before without a gap."""
    steps = np.diff(way.stamps_ns)
    usual = np.median(steps) if len(steps) else 0
    return np.concatenate(([False], steps <= _GAP * usual))
