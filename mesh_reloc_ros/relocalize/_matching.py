"""Compare an image with the views from all viewpoints, over directions and roll angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from mesh_reloc_ros.kernels.thumbnails import (
    halved,
    pair_scores,
    thumbnails,
    turn_to_best,
)
from mesh_reloc_ros.relocalize._cube import SIDES, cube_pixels
from mesh_reloc_ros.relocalize._panoramas import SIDE, Panoramas
from mesh_reloc_ros.render.grey import greyed_bytes
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Number of view directions and of roll angles: 16 and 18 degrees apart.
_DIRECTIONS, ROLLS = 150, 20
# Pixels of a small thumbnail along the image's shorter side. The best matches of small thumbnails
# are compared again with thumbnails of twice the resolution.
_SMALL = 4.8
_LIKELIEST = 30_000
# Smallest share of mesh in a view to be compared, and of overlap with the image to be scored.
_MIN_COVERED, _MIN_OVERLAP = 0.1, 0.2
# Overlap beyond this share does not improve the score.
_FULL_OVERLAP = 0.4
# A thumbnail's pixel is valid if the image covers this share of it.
_MIN_SEEN = 0.5
_SAMPLES = 4
_THREADS, _VIEWS_AT_ONCE = 2, 2048
# The best matches are rotated to where they agree best: about each axis in both directions, first
# by half of the angle between neighbours, then by less.
_TURNED, _STEPS_DEG = 3000, (8.0, 5.0, 3.0)
_AXES = np.vstack((np.eye(3), -np.eye(3)))
_SMALL_TURNS = np.stack(
    [Rotation.from_rotvec(step * _AXES, degrees=True).as_matrix() for step in _STEPS_DEG]
)


class Matcher:
    """All views of one camera, ready to compare with its images.

    A view is square and contains the image at every roll angle, so that views need no roll: the
    image is rolled instead.
    """

    def __init__(
        self, panoramas: Panoramas, camera: Camera, device: torch.device, is_grey: bool = False
    ) -> None:
        """Sample the views from the panoramas.

        :param is_grey: whether the camera's images are grey.
        """
        self.camera = camera
        self.is_grey = is_grey
        self._panoramas = panoramas
        self._reach = _reach(camera)
        self._frames = _frames(_sphere(_DIRECTIONS))
        self._pixels = _thumbnail_pixels(camera, self._reach)
        small, large = (_view_rays(self._reach, pixels) for pixels in self._pixels)
        if is_grey:
            panoramas = replace(panoramas, colours=greyed_bytes(panoramas.colours))
            self._panoramas = panoramas
        coarse = halved(panoramas.colours, SIDE)
        table = cube_pixels(small @ self._frames.transpose(0, 2, 1), SIDE // 2)
        self._places, self._directions, views = thumbnails(coarse, table, _MIN_COVERED)
        self._table = cube_pixels(large @ self._frames.transpose(0, 2, 1), SIDE)
        # Bytes: as numbers to multiply, of a few views at a time, they take seven times more.
        self._views = torch.from_numpy(views).to(device).permute(2, 0, 1).contiguous()

    def __len__(self) -> int:
        """Return the number of views."""
        return len(self._places)

    def match(self, image: NDArray[np.uint8]) -> tuple[Array, Array]:
        """Return candidate poses of an RGB image [H, W, 3], best first.

        :returns: [C, 4, 4] map_T_camera, and the distances [C] to the mesh, both in metres.
        """
        small, large = (self._rolled(image, pixels) for pixels in self._pixels)
        rough = self._rough_scores(*small)
        best = rough.flatten().topk(min(_LIKELIEST, rough.numel())).indices.cpu().numpy()
        # In order of memory, which is faster.
        view, roll = np.divmod(np.sort(best), ROLLS)
        scores = self._fine_scores(view, roll, *large)
        best = np.argsort(-scores, kind='stable')[:_TURNED]
        view, roll, scores = view[best], roll[best], scores[best]
        rotations = self._frames[self._directions[view]] @ _turns()[roll].transpose(0, 2, 1)
        places = self._places[view]
        # At roll 0 the image is upright in the thumbnail.
        self._turn(places, rotations, scores, large[0][0], large[1][0])
        order = np.argsort(-scores, kind='stable')
        poses = np.tile(np.eye(4), (len(order), 1, 1))
        poses[:, :3, :3] = rotations[order]
        poses[:, :3, 3] = self._panoramas.positions[places[order]]
        return poses, self._panoramas.distances[places[order]]

    def _rolled(
        self, image: NDArray[np.uint8], pixels: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return thumbnails of the image at every roll [R, N, 3], and their masks [R, N]."""
        camera, fine = self.camera, pixels * _SAMPLES
        step = max(int(2 * self._reach / fine * camera.fx), 1)
        smooth = cv2.blur(image, (step, step))
        rays = np.einsum('rij,nj->rni', _turns(), _view_rays(self._reach, fine))
        u = (camera.fx * rays[..., 0] + camera.cx).astype(np.float32).reshape(-1, fine)
        v = (camera.fy * rays[..., 1] + camera.cy).astype(np.float32).reshape(-1, fine)
        inside = (u >= 0) & (v >= 0) & (u <= camera.width - 1) & (v <= camera.height - 1)
        colours = cv2.remap(smooth, u, v, cv2.INTER_NEAREST).astype(np.float32) / 255
        colours *= inside[..., None]
        parts = (ROLLS, pixels, _SAMPLES, pixels, _SAMPLES)
        seen = inside.reshape(parts).mean((2, 4), dtype=np.float32).reshape(ROLLS, -1)
        sums = colours.reshape(*parts, 3).mean((2, 4)).reshape(ROLLS, -1, 3)
        return sums / np.maximum(seen, 1e-6)[..., None], (seen >= _MIN_SEEN).astype(np.float32)

    def _rough_scores(self, query: NDArray[np.float32], shown: NDArray[np.float32]) -> Tensor:
        """Return the correlation [views, R] of small thumbnails, over pixels valid in both."""
        device = self._views.device
        weight = torch.from_numpy(shown).to(device).T.contiguous()
        colours = torch.from_numpy(query).to(device).permute(2, 1, 0) * weight
        images = torch.cat((weight[None], colours, colours.square().sum(0, keepdim=True)))
        if device.type == 'cuda':
            return _correlations(self._views, images)
        scores = torch.empty((len(self), ROLLS))

        def compare(part: NDArray[np.int64]) -> None:
            # In parts that fit into the processor's cache.
            for first in range(0, len(part), _VIEWS_AT_ONCE):
                some = part[first : first + _VIEWS_AT_ONCE]
                views = slice(int(some[0]), int(some[-1]) + 1)
                scores[views] = _correlations(self._views[:, views], images)

        _in_parts(compare, len(self))
        return scores

    def _fine_scores(
        self,
        view: NDArray[np.int64],
        roll: NDArray[np.int64],
        query: NDArray[np.float32],
        shown: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return scores [P] of pairs of view and roll [P] by large thumbnails."""

        def score(part: NDArray[np.int64]) -> NDArray[np.float32]:
            return pair_scores(
                self._panoramas.colours,
                self._table,
                self._places[view[part]],
                self._directions[view[part]],
                roll[part],
                query,
                shown,
                _MIN_OVERLAP,
                _FULL_OVERLAP,
            )

        return np.concatenate(_in_parts(score, len(view)))

    def _turn(
        self,
        places: NDArray[np.int32],
        rotations: Array,
        scores: NDArray[np.float32],
        query: NDArray[np.float32],
        shown: NDArray[np.float32],
    ) -> None:
        """Rotate cameras [P, 3, 3] at viewpoints [P] to where they agree best with the image."""
        rays = _view_rays(self._reach, self._pixels[1])

        def turn(part: NDArray[np.int64]) -> None:
            turned, better = rotations[part], scores[part]
            turn_to_best(
                self._panoramas.colours,
                places[part],
                turned,
                better,
                _SMALL_TURNS,
                rays,
                SIDES,
                query,
                shown,
                _MIN_OVERLAP,
                _FULL_OVERLAP,
            )
            rotations[part], scores[part] = turned, better

        _in_parts(turn, len(places))


def _in_parts(work: Callable[[NDArray[np.int64]], Any], count: int) -> list[Any]:
    """Do work on parts of the indices below `count` on threads, and return the results."""
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(work, np.array_split(np.arange(count), min(_THREADS, count) or 1)))


def _correlations(views: Tensor, images: Tensor) -> Tensor:
    """Return the correlation [V, R] of views and images, over pixels valid in both.

    :param views: [3, V, N] uint8, black where a view shows no mesh.
    :param images: [5, N, R]: 1 if the image is valid, its colours, and their squared sum.
    """
    colours = views.to(torch.float32) / 255
    mask, squares = (views.amax(0) > 0).to(torch.float32), colours.square().sum(0)
    weight, *theirs, their_squares = images
    common = (mask @ weight).clamp_(min=1e-6)
    covariance = torch.zeros_like(common)
    mine_squared, theirs_squared = torch.zeros_like(common), torch.zeros_like(common)
    for colour, their in zip(colours, theirs, strict=True):
        mine_sum, their_sum = colour @ weight, mask @ their
        covariance += (colour @ their).mul_(common).sub_(mine_sum * their_sum)
        mine_squared += mine_sum.square_()
        theirs_squared += their_sum.square_()
    variance = (squares @ weight).mul_(common).sub_(mine_squared)
    their_variance = (mask @ their_squares).mul_(common).sub_(theirs_squared)
    correlation = covariance / (variance * their_variance).clamp_(min=1e-6).sqrt_()
    overlap = common / weight.sum(0)
    correlation *= (overlap / _FULL_OVERLAP).clamp_(max=1).sqrt_()
    return correlation.masked_fill_(overlap < _MIN_OVERLAP, -1.0)


def _reach(camera: Camera) -> float:
    """Return the largest distance of an image corner from the optical axis, at depth 1."""
    x = max(camera.cx + 0.5, camera.width - 0.5 - camera.cx) / camera.fx
    y = max(camera.cy + 0.5, camera.height - 0.5 - camera.cy) / camera.fy
    return math.hypot(x, y)


def _thumbnail_pixels(camera: Camera, reach: float) -> tuple[int, int]:
    """Return the side lengths of the small and the large thumbnails, in pixels."""
    shorter = min(camera.width / camera.fx, camera.height / camera.fy)
    # Large thumbnails consist of whole blocks of 4x4 pixels.
    small = max(round(_SMALL * 2 * reach / shorter / 2), 1) * 2
    return small, 2 * small


def _view_rays(reach: float, pixels: int) -> Array:
    """Return the rays [N, 3] of a square view, in its camera's frame."""
    along = ((np.arange(pixels) + 0.5) / pixels * 2 - 1) * reach
    x, y = np.meshgrid(along, along)
    return np.stack((x, y, np.ones_like(x)), axis=-1).reshape(-1, 3)


def _turns() -> Array:
    """Return the rotations [R, 3, 3] about the optical axis from a view to a rolled camera."""
    angle = 2 * np.pi * np.arange(ROLLS) / ROLLS
    turns = np.tile(np.eye(3), (ROLLS, 1, 1))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angle)
    turns[:, 1, 0] = np.sin(angle)
    turns[:, 0, 1] = -turns[:, 1, 0]
    return turns


def _sphere(count: int) -> Array:
    """Return directions [N, 3], evenly distributed over the sphere along a spiral.

    R. Swinbank, R. J. Purser, "Fibonacci grids: a novel approach to global modelling", 2006.
    """
    number = np.arange(count) + 0.5
    z = 1 - 2 * number / count
    angle = np.pi * (1 + math.sqrt(5)) * number
    radius = np.sqrt(1 - z * z)
    return np.stack((radius * np.cos(angle), radius * np.sin(angle), z), axis=1)


def _frames(directions: Array) -> Array:
    """Return map_R_camera [N, 3, 3] of cameras that look along directions, at some roll."""
    # No direction of the spiral is a pole.
    right = np.cross(directions, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack((right, np.cross(directions, right), directions), axis=-1)
