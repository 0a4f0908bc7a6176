"""The error of an aligned pose by the optical flow from its render to the image.

An alignment may settle for a part of an image that no pose explains. A rolling shutter reads the
rows one after the other: if the camera moves meanwhile, each is seen from another pose. The flow
shows where the rest went, and is fitted by a pose and a motion in proportion to the row. This is
the linearized model of C. Albl et al., "R6P - Rolling shutter absolute camera pose", CVPR 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align._assessment import MISPLACED
from mesh_reloc_ros.align._window_correlation import window_correlation
from mesh_reloc_ros.align.displacements import pose_jacobians
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.kernels.covariance import CELL
from mesh_reloc_ros.kernels.layout import POSE_SIZE
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Render and image are compared at the coarsest level whose shorter side has so many pixels, in
# windows of this width.
_SHORTER_SIDE_PX, _WINDOW_PX = 120, 11
# Windows whose render deviates by less tell nothing.
_LEAST_DEVIATION = 0.02
# Where the displaced image correlates with the render by this, both show the same.
_LEAST_CORRELATION = 0.8
# So many of these pixels are taken, spread over the image; a fifth of them tells nothing.
_PIXELS = 2000
# Pixels in fewer cells do not determine twelve numbers.
_FEWEST_CELLS = 4 * POSE_SIZE
# Rounds of reweighting, and the share of the median residual beyond which weights fall.
_ROUNDS, _CAUCHY = 8, 1.5
# Smaller residuals, radians, are not believed.
_LEAST_RESIDUAL = 2e-4
# Keeps the system regular, as a share of its trace.
_RIDGE = 1e-9


class _Flow(NamedTuple):
    """Optical flow from render to image at N pixels that show the same."""

    rays: NDArray[np.float64]
    """[3, N], x / z, y / z and 1 / z of the mesh."""
    moved: NDArray[np.float64]
    """[N, 2], of x / z and y / z."""
    rows: NDArray[np.float64]
    """[N], where the image shows them, from -0.5 for its first row to 0.5 for its last."""


def error_by_flow(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    map_error_scale: float = 1.0,
    *,
    grey: bool = False,
) -> tuple[Array, Array] | None:
    """Return the error of an aligned pose.

    :param pyramid: all levels of the image. :param map_T_camera: [1, 4, 4], aligned.
    :param map_error_scale: see the settings.
    :returns: the twist x [6], where the middle row was read at `map_T_camera exp(x)`, and its
        covariance [6, 6]; None if the image shows too little.
    """
    live = pyramid[pyramid[0].camera.coarsest_level(_SHORTER_SIDE_PX)]
    flow = _flow_from_render(scene, live, map_T_camera, grey=grey)
    misplaced = math.sqrt(map_error_scale) * MISPLACED
    return None if flow is None else _fitted(flow, misplaced)


def _fitted(flow: _Flow, misplaced: float) -> tuple[Array, Array] | None:
    """Fit a pose and a motion of the rows by iteratively reweighted least squares.

    :param misplaced: how far surfaces are from where the mesh has them, radians, 1 sigma.
    """
    # Surfaces are out of place cell by cell, so pixels of one cell err together.
    cells = len(np.unique(np.floor(flow.rays[:2] / CELL), axis=1).T)
    if cells < _FEWEST_CELLS:
        return None
    of_pose = pose_jacobians(flow.rays)
    of_rows = of_pose * flow.rows[:, None, None]
    along = np.concatenate((of_pose, of_rows), axis=2).reshape(-1, 2 * POSE_SIZE)
    weights = np.ones(len(flow.moved))
    for _ in range(_ROUNDS):
        weighted = (along * weights.repeat(2)[:, None]).T
        hessian = weighted @ along
        hessian += _RIDGE * np.trace(hessian) * np.eye(2 * POSE_SIZE)
        twist = np.linalg.solve(hessian, weighted @ flow.moved.ravel())
        residuals = np.linalg.norm(flow.moved - (along @ twist).reshape(-1, 2), axis=1)
        median = max(float(np.median(residuals)), _LEAST_RESIDUAL)
        weights = 1 / (1 + (residuals / (_CAUCHY * median)) ** 2)
    # The fit makes residuals smaller, which is made up for.
    variance = max(median, misplaced) ** 2 * len(residuals) / (cells - POSE_SIZE)
    covariance = variance * np.linalg.inv(hessian)[:POSE_SIZE, :POSE_SIZE]
    # The twist moves what the camera sees, the camera moves the other way.
    return -twist[:POSE_SIZE], covariance


def _flow_from_render(
    scene: Scene, live: ImageLevel, map_T_camera: Tensor, *, grey: bool
) -> _Flow | None:
    """Return the flow where image and render show the same; None if that is nearly nowhere."""
    camera = live.camera
    colour, depth = _rendered(scene, camera, map_T_camera, grey=grey)
    counts = depth > 0
    if live.usable is not None:
        counts = counts & (live.usable > 0)
    if counts.sum() < _PIXELS / 5:
        return None
    rendered = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    image = cv2.cvtColor(live.image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    image = _as_bright(image, rendered, counts)
    flow = _optical_flow(rendered, image)
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float32)
    back = cv2.remap(image, u + flow[..., 0], v + flow[..., 1], cv2.INTER_LINEAR)
    correlation, variance = window_correlation(
        rendered[..., None], back[..., None], counts.astype(np.float32), _WINDOW_PX
    )
    agrees = (correlation > _LEAST_CORRELATION) & (variance > _LEAST_DEVIATION**2)
    same = np.flatnonzero(counts & agrees)
    if len(same) < _PIXELS / 5:
        return None
    same = same[:: -(-len(same) // _PIXELS)]
    moved = flow.reshape(-1, 2)[same].astype(np.float64) / (camera.fx, camera.fy)
    row, column = np.divmod(same, camera.width)
    x, y = (column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy
    rows = (row + flow.reshape(-1, 2)[same, 1]) / camera.height - 0.5
    return _Flow(np.stack((x, y, 1 / depth.ravel()[same])), moved, rows)


def _rendered(
    scene: Scene, camera: Camera, map_T_camera: Tensor, *, grey: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return colour [H, W, 3] and depth [H, W] from a pose [1, 4, 4]."""

    def work(pose: Tensor) -> tuple[None, list[Tensor]]:
        render = scene.render(pose, camera, grey=grey)
        return None, [render.colour[0], render.depth[0]]

    key = 'flow', camera, grey
    _, (colour, depth), _ = scene.on_some_device(
        lambda: scene.repeater.run(key, work, [map_T_camera])
    )
    return colour, depth


def _as_bright(
    image: NDArray[np.float32], rendered: NDArray[np.float32], counts: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the image [H, W] with mean and deviation of the render, where both count."""
    seen, wanted = image[counts], rendered[counts]
    gain = wanted.std() / max(float(seen.std()), 1e-6)
    return np.clip((image - seen.mean()) * gain + wanted.mean(), 0, 1).astype(np.float32)


def _optical_flow(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the flow [H, W, 2] in pixels from the first image to the second."""
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    both = [(255 * np.clip(image, 0, 1)).astype(np.uint8) for image in (first, second)]
    return np.asarray(finder.calc(*both, None))
