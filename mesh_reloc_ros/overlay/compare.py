"""Overlay modes tint, side_by_side and difference, which compare render and image."""

from __future__ import annotations

import cv2
import numpy as np

from mesh_reloc_ros.overlay._panel import write_notice, write_scale
from mesh_reloc_ros.overlay._render import rendered
from mesh_reloc_ros.overlay.view import Colour, Image, Map, View

_EMPTY: Colour = (24, 24, 28)
# Brightness factor of the image outside the mesh.
_DIMMED = 0.5
_BGR = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_INFERNO)
_COLOURS: Image = np.ascontiguousarray(_BGR[:, 0, ::-1])
"""[256, 3], RGB, from zero to the largest difference."""


def draw_tint(view: View, strength: float) -> Image:
    """Blend the render over the image [H, W, 3]; dim the image outside the mesh.

    :param strength: weight of the render, 0 to 1.
    """
    render, covered, _ = rendered(view)
    # The render is 0 outside the mesh, so colour and coverage fade equally at its border.
    laid_over = _enlarged(strength * render, view.image)
    kept = _enlarged(_DIMMED + (1.0 - strength - _DIMMED) * covered, view.image)
    return (view.image * kept[..., None] + laid_over + 0.5).astype(np.uint8)


def draw_difference(view: View, largest: float) -> Image:
    """Draw the difference of image and render as colours; dim the image outside the mesh.

    :param largest: difference with the brightest colour, 0 to 1.
    """
    render, covered, image = rendered(view)
    difference = _enlarged(_difference(render, covered, image), view.image)
    coloured = _COLOURS[np.minimum(difference / largest, 255.0).astype(np.uint8)]
    grey = cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY)
    dimmed = cv2.cvtColor(cv2.convertScaleAbs(grey, alpha=_DIMMED), cv2.COLOR_GRAY2RGB)
    is_mesh = _enlarged(covered, view.image) > 0.5
    drawn: Image = np.where(is_mesh[..., None], coloured, dimmed)
    write_scale(drawn, largest, _COLOURS)
    return drawn


def draw_render(view: View) -> Image:
    """Return the render at the size of the image, dark outside the mesh."""
    render, covered, _ = rendered(view)
    if not covered.any():
        return draw_notice(view.image, 'The mesh is not in view')
    empty = (1.0 - covered[..., None]) * np.array(_EMPTY, np.float32)
    return (_enlarged(render + empty, view.image) + 0.5).astype(np.uint8)


def draw_notice(image: Image, text: str) -> Image:
    """Return a dark image of the same size [H, W, 3] with a notice."""
    drawn: Image = np.full_like(image, _EMPTY)
    write_notice(drawn, text)
    return drawn


def _difference(render: Map, covered: Map, image: Image) -> Map:
    """Return the root mean square difference over the channels, [h, w], 0 to 255.

    Image noise is smoothed first, since it does not depend on the pose.
    """
    difference = render - image * covered[..., None]
    smooth = cv2.GaussianBlur(difference, (0, 0), 0.7)
    squared: Map = np.einsum('hwc,hwc->hw', smooth, smooth) / 3
    return np.sqrt(squared)


def _enlarged(values: Map, image: Image) -> Map:
    """Resize the values of a render to the size of the image."""
    height, width = image.shape[:2]
    if values.shape[:2] == (height, width):
        return values
    # One ray per pixel makes slanted edges jagged.
    smooth = cv2.GaussianBlur(values, (0, 0), 0.5)
    enlarged: Map = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    return enlarged
