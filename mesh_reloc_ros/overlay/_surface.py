"""Depth and normals of the visible surface at every pixel, from few rays."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.overlay.view import Map, Mask, View

_BLOCK = np.ones((3, 3), np.uint8)
# Coordinates of a pixel in the grid of every second pixel.
_HALF = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])


def visible_surface(view: View, step: float) -> tuple[Map, Map]:
    """Return the surface that is visible to the camera.

    Rays are cast at every second pixel of every second row, and at the pixels between them only at
    borders and depth discontinuities. Elsewhere inverse depth is interpolated, which is exact on
    planes.

    :param step: smallest depth discontinuity, relative to the depth.
    :returns: inverse depth [H, W] in 1/m, and normals [ceil(H / 2), ceil(W / 2), 3] at every second
        pixel, map frame, towards the camera; both 0 outside the mesh.
    """
    camera = view.camera
    numbers = np.arange(camera.height * camera.width).reshape(camera.height, camera.width)
    sparse = numbers[::2, ::2]
    face, found = _looked_at(view, sparse.ravel())
    coarse = found.reshape(sparse.shape)
    inverse = between(coarse, numbers.shape, cv2.INTER_LINEAR)
    unsure = between(_doubtful(coarse, step), numbers.shape, cv2.INTER_NEAREST) > 0
    # Beyond the last sample, interpolation is not possible.
    unsure[2 * sparse.shape[0] - 1 :] = unsure[:, 2 * sparse.shape[1] - 1 :] = True
    unsure[::2, ::2] = False
    inverse[unsure] = _looked_at(view, numbers[unsure])[1]
    return inverse, _facing_normals(view, face.reshape(sparse.shape))


def jumps(inverse_depth: Map, step: float) -> Mask:
    """Return the near side of depth discontinuities, without the border of the mesh.

    Inverse depth is linear on any plane, so its second difference shows discontinuities.
    """
    across, down = (_second_difference(inverse_depth, shape) for shape in ((1, 3), (3, 1)))
    inside = cv2.erode(inverse_depth, _BLOCK) > 0
    return inside & (np.maximum(across, down) > step * inverse_depth)


def between(sparse: Map, shape: tuple[int, ...], interpolation: int) -> Map:
    """Interpolate values at every second pixel of every second row to all pixels."""
    flags, border = interpolation | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    whole: Map = cv2.warpAffine(sparse, _HALF, shape[::-1], flags=flags, borderMode=border)
    return whole


def _looked_at(view: View, pixels: NDArray[np.int64]) -> tuple[Tensor, Map]:
    """Return face and inverse depth of pixels [N]; -1 and 0 outside the mesh."""
    device = view.scene.device
    pose = torch.from_numpy(np.asarray(view.map_T_camera, np.float32))[None].to(device)
    wanted = torch.from_numpy(pixels)[None].to(device)
    fragments = view.scene.rasterizer.rasterize(pose, view.camera, wanted)
    face, depth = fragments.face[0], fragments.depth[0]
    inverse = torch.where(face >= 0, 1.0 / depth.clamp(min=1e-6), 0.0)
    return face, inverse.cpu().numpy()


def _doubtful(inverse_depth: Map, step: float) -> Map:
    """Return 1 where the neighbourhood is not a single smooth surface, else 0."""
    covered = (inverse_depth > 0).astype(np.uint8)
    rim = cv2.dilate(covered, _BLOCK) != cv2.erode(covered, _BLOCK)
    jumping = cv2.dilate(jumps(inverse_depth, step).astype(np.uint8), _BLOCK) > 0
    return (rim | jumping).astype(np.float32)


def _facing_normals(view: View, face: Tensor) -> Map:
    """Return the face normal at every second pixel, towards the camera."""
    normals = view.scene.face_normals[face.clamp(min=0)] * (face >= 0)[..., None]
    rotation = torch.from_numpy(np.asarray(view.map_T_camera[:3, :3].T, np.float32))
    rays = view.camera.rays(face.device)[::2, ::2] @ rotation.to(face.device)
    away = (normals * rays).sum(-1, keepdim=True) > 0
    return torch.where(away, -normals, normals).cpu().numpy()


def _second_difference(values: Map, shape: tuple[int, int]) -> Map:
    kernel = np.array([-1, 2, -1], np.float32).reshape(shape)
    bend = cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    return bend.astype(np.float32, copy=False)
