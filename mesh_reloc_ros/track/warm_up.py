"""Compile and load everything before the first image."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.align.solver import uses_keyframes
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.graphs import Offload
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import looking_at

_CAMERA = Camera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)

# How often the solver runs on either device to find the faster one.
_UNTIMED, _TIMED = 3, 5


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
    if scene.solving is not None and uses_keyframes(settings):
        _time_solvers(scene, scene.solving, settings.alignment, image, pose)


def _time_solvers(
    scene: Scene,
    solving: Offload,
    settings: AlignmentSettings,
    image: NDArray[np.uint8],
    pose: Array,
) -> None:
    """Let the solver run on the GPU if the settings say so, or if it is faster there."""
    if settings.solver_device == 'cpu':
        return
    start, pyramid = torch.from_numpy(pose)[None], image_pyramid(image, _CAMERA)
    on_gpu = replace(settings, solver_device='cuda')
    keyframe = tracking_keyframe(scene, start, _CAMERA, on_gpu)

    def median_ms(where: AlignmentSettings) -> float:
        times = []
        # The first times code is compiled and a graph is captured.
        for _ in range(_UNTIMED + _TIMED):
            begin = time.perf_counter()
            align_lm(scene, pyramid, start, None, where, keyframe=keyframe)
            times.append(1e3 * (time.perf_counter() - begin))
        return float(np.median(times[_UNTIMED:]))

    gpu_ms, cpu_ms = median_ms(on_gpu), median_ms(replace(settings, solver_device='cpu'))
    if solving.has_failed:
        return
    solving.is_faster = gpu_ms < cpu_ms
    solving.verdict = f'{gpu_ms:.1f} ms on the GPU, {cpu_ms:.1f} ms on the CPU'


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
