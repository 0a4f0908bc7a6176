"""The live image with the mesh drawn over it: edges, a tint of what is covered, and the state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.settings import setting
from mesh_reloc_ros.tracking.frame import Frame, PoseEstimate, State

_Image = NDArray[np.uint8]
_Map = NDArray[np.float32]
_TRUSTED = (70, 255, 150)
_UNTRUSTED = (255, 176, 40)
_LOST = (255, 70, 150)


@dataclass(frozen=True)
class OverlaySettings:
    """How the overlay looks, and how often the node draws it."""

    max_rate: float = setting(
        10.0,
        'Most overlays that the node draws, and only while someone subscribes.',
        unit='Hz',
        minimum=0.1,
        maximum=100.0,
    )
    max_width: int = setting(
        640,
        'Widest overlay; larger images are drawn smaller.',
        unit='px',
        minimum=64,
        maximum=8192,
    )
    tint: float = setting(
        0.12,
        'Strength of the tint of the area that the mesh covers.',
        minimum=0.0,
        maximum=1.0,
    )
    crease_angle: float = setting(
        40.0,
        'Smallest bend of the surface that is drawn as an edge.',
        unit='deg',
        minimum=5.0,
        maximum=180.0,
    )
    depth_step: float = setting(
        0.03,
        'Smallest jump of depth that is drawn as an edge, relative to the depth.',
        minimum=1e-3,
        maximum=1.0,
    )


def draw_overlay(
    scene: Scene,
    frame: Frame,
    estimate: PoseEstimate,
    latency_ms: float | None = None,
    settings: OverlaySettings | None = None,
) -> _Image:
    """Draw the mesh at the estimate's pose, if there is one, over the estimate's image.

    :param latency_ms: shown with the state; left out: the tracker's own time.
    :returns: RGB [h, w, 3] uint8, at most `max_width` wide.
    """
    settings = settings or OverlaySettings()
    camera = _fitted(frame.camera, settings.max_width)
    size = (camera.width, camera.height)
    drawn: _Image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    colour = _colour(estimate)
    if estimate.is_located:
        covered, edges = mesh_lines(scene, estimate.map_T_camera, camera, settings)
        drawn = _blend(drawn, settings.tint * covered, colour)
        # A dark rim keeps the line legible on a bright background.
        drawn = _blend(drawn, 0.5 * cv2.GaussianBlur(edges, (0, 0), 1.6), (0, 0, 0))
        drawn = _blend(drawn, 1.6 * cv2.GaussianBlur(edges, (0, 0), 0.7), colour)
    shown_ms = estimate.stages_ms.get('total') if latency_ms is None else latency_ms
    _write(drawn, _lines(estimate, shown_ms), colour)
    return drawn


def mesh_lines(
    scene: Scene, map_T_camera: NDArray[np.float64], camera: Camera, settings: OverlaySettings
) -> tuple[_Map, _Map]:
    """Return where the mesh covers the image and where its edges are, [H, W] of 0 or 1.

    Edges are the mesh's outline, jumps of depth, and creases of the surface.
    """
    pose = torch.from_numpy(np.asarray(map_T_camera, dtype=np.float32))[None]
    fragments = scene.rasterizer.rasterize(pose.to(scene.device), camera)
    face, depth = fragments.face[0], fragments.depth[0].cpu().numpy()
    covered = (face >= 0).cpu().numpy()
    normals = _facing_normals(scene, face, pose[0, :3, :3], camera)
    edges = _outline(covered) | _jumps(depth, covered, settings.depth_step)
    edges |= _creases(normals, covered, settings.crease_angle)
    return covered.astype(np.float32), _without_specks(edges).astype(np.float32)


def _fitted(camera: Camera, max_width: int) -> Camera:
    """Return the camera of the image scaled down to at most `max_width`."""
    if camera.width <= max_width:
        return camera
    width, height = max_width, max(round(camera.height * max_width / camera.width), 1)
    x, y = width / camera.width, height / camera.height
    return replace(
        camera,
        width=width,
        height=height,
        fx=camera.fx * x,
        fy=camera.fy * y,
        cx=(camera.cx + 0.5) * x - 0.5,
        cy=(camera.cy + 0.5) * y - 0.5,
    )


def _facing_normals(scene: Scene, face: Tensor, rotation: Tensor, camera: Camera) -> _Map:
    """Return the normal of each pixel's face [H, W, 3], on the side that the camera sees."""
    normals = scene.face_normals[face.clamp(min=0)] * (face >= 0)[..., None]
    rays = camera.rays(face.device) @ rotation.to(face.device).T
    away = (normals * rays).sum(-1, keepdim=True) > 0
    return torch.where(away, -normals, normals).cpu().numpy()


def _outline(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rim of the covered area, without its specks and pinholes."""
    solid = cv2.medianBlur(covered.astype(np.uint8), 5)
    return (solid != cv2.erode(solid, np.ones((3, 3), np.uint8))).astype(bool)


def _jumps(depth: _Map, covered: NDArray[np.bool_], step: float) -> NDArray[np.bool_]:
    """Return the near side of jumps in depth.

    Inverse depth is linear over a plane, however slanted, so its second difference is a jump.
    """
    inverse = np.where(covered, 1.0 / np.maximum(depth, 1e-6), 0.0).astype(np.float32)
    bend = np.maximum(_second_difference(inverse, (1, 3)), _second_difference(inverse, (3, 1)))
    inside = cv2.erode(covered.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return inside & (bend > step * inverse)


def _second_difference(values: _Map, shape: tuple[int, int]) -> _Map:
    kernel = np.array([-1, 2, -1], np.float32).reshape(shape)
    bend = cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    return bend.astype(np.float32, copy=False)


def _creases(normals: _Map, covered: NDArray[np.bool_], angle_deg: float) -> NDArray[np.bool_]:
    """Return thin lines where smoothed normals [H, W, 3] turn by more than the angle."""
    # A reconstructed surface is rough: its single triangles bend where the surface does not.
    smooth = cv2.GaussianBlur(normals, (0, 0), 2.0).astype(np.float32, copy=False)
    length = np.sqrt(np.einsum('hwc,hwc->hw', smooth, smooth))[..., None]
    smooth /= np.maximum(length, 1e-6)
    reach = 3
    creases = np.zeros(covered.shape, bool)
    for axis in (0, 1):
        before, after = np.roll(smooth, reach, axis), np.roll(smooth, -reach, axis)
        turn = 1.0 - np.einsum('hwc,hwc->hw', before, after)
        peak = cv2.dilate(turn, np.ones((5, 1) if axis == 0 else (1, 5), np.uint8)) <= turn
        creases |= peak & (turn > 1.0 - np.cos(np.radians(angle_deg)))
    inside = cv2.erode(covered.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=(0.0,))
    return creases & inside.astype(bool)


def _without_specks(edges: NDArray[np.bool_], smallest: int = 12) -> NDArray[np.bool_]:
    """Return the edges without those of fewer connected pixels than `smallest`."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return large[labels]


def _blend(image: _Image, alpha: _Map, colour: tuple[int, int, int]) -> _Image:
    weight = alpha.clip(0.0, 1.0)
    blended: _Image = cv2.blendLinear(image, np.full_like(image, colour), 1.0 - weight, weight)
    return blended


def _colour(estimate: PoseEstimate) -> tuple[int, int, int]:
    if estimate.trusted:
        return _TRUSTED
    return _LOST if estimate.state is State.LOST else _UNTRUSTED


def _lines(estimate: PoseEstimate, latency_ms: float | None) -> list[str]:
    numbers = [f'score {estimate.score:.2f}', f'covered {estimate.coverage:.0%}']
    if latency_ms is not None:
        numbers.append(f'{latency_ms:.0f} ms')
    reason = [] if estimate.trusted else [estimate.reason]
    return [estimate.state.value, '   '.join(numbers), *reason]


def _write(image: _Image, lines: list[str], colour: tuple[int, int, int]) -> None:
    """Write the lines into a darkened panel at the top left, the first one in colour."""
    font, unit = cv2.FONT_HERSHEY_SIMPLEX, image.shape[1] / 640
    scale, pitch, margin = 0.5 * unit, round(19 * unit), round(8 * unit)
    lines = [_shortened(line, image.shape[1] - 4 * margin, font, scale) for line in lines]
    widths = [cv2.getTextSize(line, font, scale, 1)[0][0] for line in lines]
    right, bottom = max(widths) + 3 * margin, len(lines) * pitch + 2 * margin
    panel = image[margin:bottom, margin:right]
    panel[:] = (panel * 0.35).astype(np.uint8)
    for row, line in enumerate(lines):
        origin = (2 * margin, margin + round((row + 0.8) * pitch))
        shade = colour if row == 0 else (240, 240, 240)
        cv2.putText(image, line, origin, font, scale, shade, 1, cv2.LINE_AA)


def _shortened(line: str, width: int, font: int, scale: float) -> str:
    """Cut a line that is wider than `width` pixels."""
    while len(line) > 4 and cv2.getTextSize(line, font, scale, 1)[0][0] > width:
        line = f'{line[:-4]}...'
    return line
