"""Draw the overlay of an image and its pose estimate, in all modes."""

from __future__ import annotations

import numpy as np

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay._edges import draw_edges
from mesh_reloc_ros.overlay._panel import state_colour, write_label, write_panel
from mesh_reloc_ros.overlay.compare import draw_difference, draw_notice, draw_render, draw_tint
from mesh_reloc_ros.overlay.view import Image, View, shrunk
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted

# Width of the line between image and render, in pixels.
_DIVIDER = 2


def draw_overlay(
    scene: Scene,
    frame: Frame,
    estimate: PoseEstimate,
    latency_ms: float | None = None,
    settings: OverlaySettings | None = None,
) -> Image:
    """Draw the mesh at the estimated pose over or beside the image.

    Without a pose, only the image is drawn, with the reason beside it.

    :param latency_ms: shown with the state; None: the processing time of the tracker.
    :returns: RGB [h, w, 3] uint8, at most `max_width` wide.
    """
    settings = settings or OverlaySettings()
    if latency_ms is None:
        latency_ms = estimate.stages_ms.get('total')
    if settings.mode == 'side_by_side':
        return _side_by_side(scene, frame, estimate, latency_ms, settings.max_width)
    image, camera = shrunk(frame, settings.max_width)
    if estimate.is_located:
        view = _view(scene, estimate, camera, image)
        image = _over(view, estimate, settings)
    write_panel(image, estimate, latency_ms)
    return image


def _view(scene: Scene, estimate: PoseEstimate, camera: Camera, image: Image) -> View:
    pose = shifted(estimate.map_T_camera, -scene.mesh.origin)
    return View(scene, pose, camera, image, estimate.is_grey)


def _over(view: View, estimate: PoseEstimate, settings: OverlaySettings) -> Image:
    """Return the image with the overlay of the mode."""
    if settings.mode == 'tint':
        return draw_tint(view, settings.render_strength)
    if settings.mode == 'difference':
        return draw_difference(view, settings.full_difference)
    return draw_edges(view, settings, state_colour(estimate))


def _side_by_side(
    scene: Scene,
    frame: Frame,
    estimate: PoseEstimate,
    latency_ms: float | None,
    max_width: int,
) -> Image:
    """Return the image, a line in the colour of the state, and the mesh at the estimated pose."""
    image, camera = shrunk(frame, (max_width - _DIVIDER) // 2)
    if estimate.is_located:
        view = _view(scene, estimate, camera, image)
        mesh = draw_render(view)
    else:
        mesh = draw_notice(image, f'No pose: {estimate.reason}')
    write_label(image, 'image')
    write_label(mesh, 'mesh')
    write_panel(image, estimate, latency_ms)
    divider = np.full((len(image), _DIVIDER, 3), state_colour(estimate), np.uint8)
    return np.concatenate((image, divider, mesh), axis=1)
