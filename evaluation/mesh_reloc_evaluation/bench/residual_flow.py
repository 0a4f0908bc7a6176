"""Optical flow that remains between render and image at the poses of `lm`.

The flow is averaged by place on the surface. If a place shows flow from all directions of view, the
pose is not the cause: there, the mesh is not where the surface is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.render.scene import Render, Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

Image = NDArray[np.float32]

_EVERY = 5
# Flow counts as found if forward and backward flow cancel to within this.
_CONSISTENT_PX = 0.5
# Least gradient, in grey levels per pixel and in its weaker direction, to measure flow by.
_TEXTURED, _WINDOW_PX = 2.0, 9
# Flow is not measured near the edges of the mesh, nor where one surface hides another.
_ONE_SURFACE_PX, _ONE_SURFACE = 9, 1.05
# Size in the image of the cells that flow is averaged in, at the median depth.
_CELL_PX = 4.0
_MIN_SAMPLES = 3
# Every other row and column is used: the flow is smooth.
_STRIDE = 2


@dataclass(frozen=True)
class ResidualFlow:
    """Flow from render to image, by pixel and by cell of the surface."""

    pixels: Image
    """[N], length of the flow at each pixel of all images."""
    cell_m: float
    cells: NDArray[np.int64]
    """[C], ascending keys of the cells with enough samples."""
    lengths: Array
    """[C], mean length of the flow, in pixels."""
    vectors: Array
    """[C, 2], mean flow in pixels."""
    counts: NDArray[np.int64]
    """[C], number of samples in each mean."""
    poses: list[Array]
    """[4, 4] map_T_camera of the images."""
    camera: Camera

    def metrics(self) -> dict[str, Any]:
        """Return what is reported, as plain numbers."""
        steady = np.repeat(np.linalg.norm(self.vectors, axis=1), self.counts)
        return {
            'images': len(self.poses),
            'pixels': len(self.pixels),
            'median_px': float(np.median(self.pixels)),
            'p90_px': float(np.percentile(self.pixels, 90)),
            'steady_median_px': float(np.median(steady)) if len(steady) else None,
        }

    def line(self) -> str:
        """Return the metrics in one line."""
        metrics = self.metrics()
        text = (
            f'Flow from render to image at the poses of lm: {metrics["median_px"]:.2f} px (median),'
            f' {metrics["p90_px"]:.2f} px (p90)'
        )
        if metrics['steady_median_px'] is None:
            return f'{text}.'
        return (
            f'{text}; averaged over all images by place on the surface,'
            f' {metrics["steady_median_px"]:.2f} px (median) remain.'
        )


def residual_flow(
    scene: Scene, frames: Sequence[Frame], poses: Sequence[Array | None]
) -> ResidualFlow | None:
    """Return the flow that remains, or None if it could not be measured anywhere.

    :param poses: map_T_camera [4, 4] of each frame, or None.
    """
    camera = frames[0].camera
    used = [
        (frame, pose)
        for frame, pose in zip(frames[::_EVERY], poses[::_EVERY], strict=True)
        if pose is not None and frame.camera == camera
    ]
    flows, points = [], []
    for frame, pose in progress_bar(used, 'residual flow', sys.stdout):
        render = scene.render(torch.from_numpy(pose), camera)
        flow, found = _flow(render, frame.image)
        found = _thinned(found)
        flows.append(flow[found])
        points.append(surface_points(render, pose, camera)[found])
    if not sum(len(flow) for flow in flows):
        return None
    cell_m = _CELL_PX * _median_depth(points, [pose for _, pose in used]) / camera.fx
    by_pixel = np.concatenate(flows)
    lengths = np.linalg.norm(by_pixel, axis=1)
    cells, index = np.unique(cell_keys(np.concatenate(points), cell_m), return_inverse=True)
    counts = np.bincount(index)
    means = [np.bincount(index, values) / counts for values in (lengths, *by_pixel.T)]
    often = counts >= _MIN_SAMPLES
    return ResidualFlow(
        pixels=lengths,
        cell_m=cell_m,
        cells=cells[often],
        lengths=means[0][often],
        vectors=np.stack(means[1:], axis=1)[often],
        counts=counts[often],
        poses=[pose for _, pose in used],
        camera=camera,
    )


def surface_points(render: Render, map_T_camera: Array, camera: Camera) -> Array:
    """Return the points [H, W, 3] in the map that a view shows."""
    depth = render.depth[0].cpu().numpy().astype(np.float64)
    points = camera.rays().numpy() * depth[..., None]
    return points @ map_T_camera[:3, :3].T + map_T_camera[:3, 3]


def cell_keys(points: Array, cell_m: float) -> NDArray[np.int64]:
    """Return a number for the cubic cell of each point [..., 3]; each axis has 20 bits."""
    x, y, z = np.moveaxis(np.floor(points / cell_m).astype(np.int64) + (1 << 19), -1, 0)
    return (x << 40) | (y << 20) | z


def _flow(render: Render, image: NDArray[np.uint8]) -> tuple[Image, NDArray[np.bool_]]:
    """Return the flow [H, W, 2] from a render to an image, and where it was found [H, W]."""
    mask = render.mask[0].cpu().numpy()
    rendered = cv2.cvtColor(255 * render.colour[0].cpu().numpy(), cv2.COLOR_RGB2GRAY)
    seen = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    usable = mask & _textured(rendered) & _one_surface(render)
    if usable.sum() < 2:
        return np.zeros((*mask.shape, 2), dtype=np.float32), np.zeros_like(mask)
    rendered = _exposed_alike(rendered, seen, usable)
    # Pixels without mesh are filled from the image, so that they show no flow.
    a = np.where(mask, rendered, seen).round().clip(0, 255).astype(np.uint8)
    b = seen.astype(np.uint8)
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dense.setFinestScale(0)
    there, back = dense.calc(a, b, None), dense.calc(b, a, None)
    rows, columns = np.indices(mask.shape, dtype=np.float32)
    returned = there + cv2.remap(
        back, columns + there[..., 0], rows + there[..., 1], cv2.INTER_LINEAR
    )
    return there, usable & (np.linalg.norm(returned, axis=-1) < _CONSISTENT_PX)


def _textured(grey: Image) -> NDArray[np.bool_]:
    """Return where a window has gradients in both directions [H, W]."""
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8
    window = (_WINDOW_PX, _WINDOW_PX)
    xx, yy, xy = (cv2.blur(product, window) for product in (gx * gx, gy * gy, gx * gy))
    weaker = (xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy**2)
    return weaker > _TEXTURED**2


def _one_surface(render: Render) -> NDArray[np.bool_]:
    depth = render.depth[0].cpu().numpy()
    window = np.ones((_ONE_SURFACE_PX, _ONE_SURFACE_PX), dtype=np.uint8)
    nearest, farthest = cv2.erode(depth, window), cv2.dilate(depth, window)
    return (nearest > 0) & (farthest < _ONE_SURFACE * nearest)


def _exposed_alike(rendered: Image, seen: Image, where: NDArray[np.bool_]) -> Image:
    """Return the render with gain and offset of the image."""
    gain, offset = np.polyfit(rendered[where], seen[where], 1)
    return (gain * rendered + offset).astype(np.float32)


def _thinned(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    thin = np.zeros_like(where)
    thin[::_STRIDE, ::_STRIDE] = where[::_STRIDE, ::_STRIDE]
    return thin


def _median_depth(points: list[Array], poses: list[Array]) -> float:
    depths = [(p - pose[:3, 3]) @ pose[:3, 2] for p, pose in zip(points, poses, strict=True)]
    return float(np.median(np.concatenate(depths)))
