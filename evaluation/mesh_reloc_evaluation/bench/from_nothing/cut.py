"""A mesh cut to the surroundings of one point, so that it covers a given share of the images."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.mesh_surgery import cut_to_ball
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import make_rasterizer
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Everything is measured on small versions of the images, about this wide.
_WIDTH = 80
# Every n-th pixel of an image is a candidate for the point.
_STRIDE = 4
# A point is in view if its depth differs by at most this share from what is seen there, and if it
# is this share of the width off the border.
_DEPTH_SHARE, _BORDER = 0.05, 0.1
# Side of a point's surroundings in the image, as a share of the width.
_SURROUNDINGS = 0.15
# The point is in view in at least this share of the images in which the best candidate is.
_NEARLY_AS_OFTEN = 0.9
_BISECTIONS = 12


def textured_point(mesh: TexturedMesh, sequence: PosedSequence) -> Array:
    """Return the point [3] of the surface with the most gradient of those in view most often."""
    camera = _small(sequence.camera)
    depth = _depths(mesh, sequence, camera)
    candidates = np.concatenate(
        [_points(of, pose, camera) for of, pose in zip(depth, sequence.poses, strict=True)]
    )
    gradients = [_gradient(frame.image, camera) for frame in sequence.frames]
    often, gradient = np.zeros((2, len(candidates)))
    for of, strength, pose in zip(depth, gradients, sequence.poses, strict=True):
        seen, row, column = _seen(candidates, of, pose, camera)
        often += seen
        gradient += np.where(seen, strength[row, column], 0.0)
    mean = gradient / np.maximum(often, 1)
    return candidates[np.where(often >= _NEARLY_AS_OFTEN * often.max(), mean, -1.0).argmax()]


def cut_to_share(
    mesh: TexturedMesh, centre: Array, sequence: PosedSequence, share: float
) -> TexturedMesh:
    """Return the mesh in the ball around a point [3] that covers a share of the median image."""
    low, high = 0.0, float(np.linalg.norm(mesh.vertices - centre, axis=1).max())
    for _ in range(_BISECTIONS):
        radius = (low + high) / 2
        if median_coverage(cut_to_ball(mesh, centre, radius), sequence) < share:
            low = radius
        else:
            high = radius
    return cut_to_ball(mesh, centre, high)


def median_coverage(mesh: TexturedMesh, sequence: PosedSequence) -> float:
    """Return the share of the image that the mesh covers, in the median over the images."""
    if not len(mesh.faces):
        return 0.0
    depth = _depths(mesh, sequence, _small(sequence.camera))
    return float(np.median((depth > 0).mean((1, 2))))


def _small(camera: Camera) -> Camera:
    return camera.resized(_WIDTH, round(_WIDTH * camera.height / camera.width))


def _depths(mesh: TexturedMesh, sequence: PosedSequence, camera: Camera) -> NDArray[np.float32]:
    """Return the depth of each image [N, H, W], metres; 0 where there is no mesh."""
    rasterizer = make_rasterizer('auto', mesh, torch.device('cpu'))
    poses = torch.from_numpy(sequence.poses)
    return np.asarray(rasterizer.rasterize(poses, camera).depth.cpu().numpy())


def _points(depth: NDArray[np.float32], pose: Array, camera: Camera) -> Array:
    """Return points [N, 3] of the surface that an image shows, in the map."""
    rays = camera.rays().double().numpy()
    grid = np.s_[_STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE]
    seen = depth[grid] > 0
    points = (rays[grid] * depth[grid][..., None])[seen]
    return points @ pose[:3, :3].T + pose[:3, 3]


def _seen(
    points: Array, depth: NDArray[np.float32], pose: Array, camera: Camera
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return whether an image shows points [N, 3] of the map, and their rows and columns."""
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
    ahead = np.maximum(z, 1e-9)
    column = camera.fx * x / ahead + camera.cx
    row = camera.fy * y / ahead + camera.cy
    border = _BORDER * camera.width
    inside = (z > 0) & (column >= border) & (column <= camera.width - 1 - border)
    inside &= (row >= border) & (row <= camera.height - 1 - border)
    row = np.where(inside, row, 0).round().astype(np.int64)
    column = np.where(inside, column, 0).round().astype(np.int64)
    return inside & (np.abs(depth[row, column] - z) <= _DEPTH_SHARE * z), row, column


def _gradient(image: NDArray[np.uint8], camera: Camera) -> NDArray[np.float32]:
    """Return the mean gradient around each pixel of the small version [H, W] of an image."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    small = cv2.resize(slope, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    side = round(_SURROUNDINGS * camera.width)
    return np.asarray(cv2.blur(small, (side, side)))
