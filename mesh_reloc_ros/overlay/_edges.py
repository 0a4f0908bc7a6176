"""Overlay mode edges: mesh edges, and a light tint of the area that the mesh covers."""

from __future__ import annotations

import cv2
import numpy as np

from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.overlay._surface import between, jumps, visible_surface
from mesh_reloc_ros.overlay.view import Colour, Image, Map, Mask, View


def draw_edges(view: View, settings: OverlaySettings, colour: Colour) -> Image:
    """Draw the mesh edges over the image [H, W, 3] in a colour."""
    covered, edges = mesh_lines(view, settings)
    image, flat = view.image, np.full_like(view.image, colour)
    tinted = cv2.addWeighted(image, 1.0 - settings.tint, flat, settings.tint, 0.0)
    drawn: Image = cv2.copyTo(tinted, covered.view(np.uint8), image.copy())
    strength = edges.astype(np.float32)
    # A dark border keeps the line visible on a bright background.
    rim, line = cv2.GaussianBlur(strength, (0, 0), 1.6), cv2.GaussianBlur(strength, (0, 0), 0.7)
    near = np.flatnonzero(rim > 1e-3)
    lit = np.minimum(1.6 * line.ravel()[near], 1.0)[:, None]
    kept = (1.0 - 0.5 * rim.ravel()[near])[:, None] * (1.0 - lit)
    pixels = drawn.reshape(-1, 3)
    pixels[near] = (pixels[near] * kept + lit * np.array(colour, np.float32)).astype(np.uint8)
    return drawn


def mesh_lines(view: View, settings: OverlaySettings) -> tuple[Mask, Mask]:
    """Return the masks of the mesh and of its edges, [H, W] each.

    Edges are the outline of the mesh, depth discontinuities, and creases of the surface.
    """
    inverse_depth, normals = visible_surface(view, settings.depth_step)
    covered = inverse_depth > 0
    edges = _outline(covered) | jumps(inverse_depth, settings.depth_step)
    edges |= _creases(normals, covered, settings.crease_angle)
    return covered, _without_specks(edges)


def _outline(covered: Mask) -> Mask:
    """Return the border of the covered area, ignoring specks and pinholes."""
    solid = cv2.medianBlur(covered.astype(np.uint8), 5)
    return (solid != cv2.erode(solid, np.ones((3, 3), np.uint8))).astype(bool)


def _creases(normals: Map, covered: Mask, angle_deg: float) -> Mask:
    """Return thin lines where smoothed normals change by more than the angle.

    :param normals: at every second pixel. :param covered: [H, W], at all pixels.
    """
    # Reconstructed surfaces are rough: single triangles are tilted where the surface is flat.
    smooth = cv2.GaussianBlur(normals, (0, 0), 1.0).astype(np.float32, copy=False)
    smooth /= np.maximum(np.sqrt(np.einsum('hwc,hwc->hw', smooth, smooth))[..., None], 1e-6)
    creases = np.zeros(covered.shape, bool)
    for axis in (0, 1):
        turn = between(_turn(smooth, axis), covered.shape, cv2.INTER_CUBIC)
        peak = cv2.dilate(turn, np.ones((5, 1) if axis == 0 else (1, 5), np.uint8)) <= turn
        creases |= peak & (turn > 1.0 - np.cos(np.radians(angle_deg)))
    inside = cv2.erode(covered.astype(np.uint8), np.ones((11, 11), np.uint8), borderValue=(0.0,))
    return creases & inside.astype(bool)


def _turn(normals: Map, axis: int) -> Map:
    """Return 1 - cos(angle) between the normals before and after each pixel."""
    # Three pixels apart: from one before to two after, and from two before to one after.
    before, behind = np.roll(normals, 1, axis), np.roll(normals, -2, axis)
    turn: Map = 1.0 - np.einsum('hwc,hwc->hw', before, behind)
    return (turn + np.roll(turn, 1, axis)) / 2


def _without_specks(edges: Mask, smallest: int = 12) -> Mask:
    """Remove edges of fewer connected pixels than `smallest`."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return large[labels]
