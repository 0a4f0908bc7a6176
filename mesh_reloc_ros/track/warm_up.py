"""Compile and load everything before the first image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import looking_at

_CAMERA = Camera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)


def warm_up(scene: Scene, settings: Settings) -> None:
    """Track a rendered image, so that the first real image is not delayed.

    The first use of compiled code takes up to a minute.
    """
    pose = _before_the_largest_face(scene)
    colour = scene.render(torch.from_numpy(pose), _CAMERA).colour[0]
    image = (255 * colour).round().to(torch.uint8).cpu().numpy()
    tracker = Tracker(scene, replace(settings, adam=replace(settings.adam, iterations=1)))
    tracker.start_at(pose)
    tracker.track(Frame(stamp_ns=1, image=image, camera=_CAMERA))


def _before_the_largest_face(scene: Scene) -> Array:
    """Return a pose [4, 4] in front of the largest face with texture, as far as it is large."""
    corners = scene.mesh.vertices[scene.mesh.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled_areas = np.linalg.norm(normals, axis=1)
    largest = int((doubled_areas * scene.is_textured).argmax())
    forward = -normals[largest] / doubled_areas[largest]
    centre = corners[largest].mean(0)
    position = centre - forward * np.sqrt(doubled_areas[largest])
    edge = corners[largest, 1] - corners[largest, 0]
    return looking_at(position, centre, up=np.cross(edge, forward))
