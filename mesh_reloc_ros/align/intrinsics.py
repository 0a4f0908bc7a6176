"""The error of a camera's intrinsics, from an image aligned with the mesh.

The pose is where the image agrees best, with the given intrinsics. If they are wrong, blocks of
points stay displaced: a pose explains a longer focal length or a shifted principal point only in
part. So the displacements are fitted by the pose and the intrinsics together, as in the calibration
of a camera against a known object (Z. Zhang, "A flexible new technique for camera calibration",
PAMI 22, 2000), with the mesh for the object.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.kernels.layout import CURVATURE, PLACE, POSE_SIZE, RENDER
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

SIZE = 3
"""Of an error: logarithm of the factor on the focal lengths, and the shift of the principal point
along x and y in focal lengths."""

# Surfaces are out of place by this share of their distance, 1 sigma, in each square of so many
# focal lengths; and a displacement is measured to so many pixels.
_MISPLACED, _CELL, _MEASURED_PX = 2e-3, 0.12, 0.15
# The loss is flatter than its linearization: displacements are larger by the inverse, up to this.
_FLATTEST = 0.2
# Fewer blocks than this determine too little.
_FEWEST_BLOCKS = 20
# A step is limited, as larger ones are not linear; one as small as this is the last.
_LARGEST_STEP, _SMALL_STEP = 0.15, 3e-3
# Least that is missing from full agreement, as images are never free of noise.
_LEAST_MISSING = 1e-3
# Ridges that keep the systems regular, as shares of their diagonals, and at least.
_RIDGE, _LEAST_INFORMATION = 1e-6, 1e-6


@dataclass(frozen=True)
class IntrinsicsEstimate:
    """What one image tells of the error of its camera's intrinsics."""

    error: Array
    """[SIZE], to be added to the camera's; see `corrected`."""
    information: Array
    """[SIZE, SIZE], the inverse of the covariance, without what the mesh distorts at large."""
    gain: float
    """Logarithm of the factor by which less is missing from full agreement when corrected."""


def corrected(camera: Camera, error: Array) -> Camera:
    """Return the camera with an error [SIZE] of its intrinsics corrected."""
    factor = float(np.exp(error[0]))
    return dataclasses.replace(
        camera,
        fx=factor * camera.fx,
        fy=factor * camera.fy,
        cx=camera.cx + float(error[1]) * camera.fx,
        cy=camera.cy + float(error[2]) * camera.fy,
    )


def estimate_intrinsics(
    scene: Scene,
    pyramid: list[ImageLevel],
    alignment: Alignment,
    settings: AlignmentSettings,
    error: Array,
    steps: int,
    *,
    grey: bool = False,
) -> IntrinsicsEstimate | None:
    """Estimate the error of the intrinsics of an image.

    :param alignment: of the image, with the given intrinsics.
    :param settings: finest level: a coarse one, where displacements are small, in pixels.
    :param error: [SIZE], where to start. :param steps: from there.
    :returns: None if the image does not determine it.
    """

    def aligned(pose: Array, error: Array) -> Alignment:
        levels = [
            dataclasses.replace(level, camera=corrected(camera, error).at_level(level.number))
            for level in pyramid
        ]
        start = torch.from_numpy(pose)[None]
        return align_lm(scene, levels, start, alignment.exposure, settings, grey=grey)

    camera = pyramid[0].camera
    at_given = latest = aligned(alignment.pose, np.zeros(SIZE))
    system, found = _System.of(latest), np.zeros(SIZE)
    first = [error] if error.any() else []
    for given in (*first, *steps * [None]):
        if system is None:
            return None
        step = system.step() if given is None else given
        found = found + step
        latest = aligned(latest.pose @ exp(-system.twist(step)), found)
        system = _System.of(latest)
        if (np.abs(step) < _SMALL_STEP).all():
            break
    if system is None or not np.isfinite(found).all():
        return None
    gain = math.log(_missing(at_given) / _missing(latest))
    return IntrinsicsEstimate(found, system.information, gain)


def _missing(alignment: Alignment) -> float:
    return max(1 - alignment.agreement, _LEAST_MISSING)


@dataclass(frozen=True)
class _System:
    """Normal equations of the displacements of blocks: pose first, then the intrinsics."""

    hessian: Array
    """[POSE_SIZE + SIZE, POSE_SIZE + SIZE]."""
    gradient: Array
    """[POSE_SIZE + SIZE]."""
    flatness: float
    """Curvature of the loss over that of its linearization."""

    @staticmethod
    def of(alignment: Alignment) -> _System | None:
        """Gather the equations from an alignment of a single pose; None if it shows too little."""
        assert alignment.keyframe is not None
        assert alignment.blocks is not None
        camera, blocks = alignment.keyframe.levels[0].camera, alignment.blocks.figures[0]
        blocks = blocks[blocks[:, PLACE] > 0]
        if not alignment.is_finite or len(blocks) < _FEWEST_BLOCKS:
            return None
        rays = (blocks[:, PLACE + 1 :] / blocks[:, PLACE, None]).T
        along = _pixel_jacobians(rays, camera)
        products = _symmetric(blocks[:, RENDER:CURVATURE])
        products += (_RIDGE * products.trace(axis1=1, axis2=2).mean() + 1e-12) * np.eye(2)
        # The first two parts of the gradient are the pull along u and v, times fx / z and fy / z.
        pull = -blocks[:, :2] / (rays[2] * np.array([[camera.fx], [camera.fy]])).T
        shifts = np.linalg.solve(products, pull[..., None])[..., 0]
        weights = _weights(products, rays, camera, float(alignment.blocks.variance[0]))
        weighted = np.einsum('nui,nuv->niv', along, weights)
        curvature = blocks[:, CURVATURE].sum() + blocks[:, CURVATURE + 3].sum()
        return _System(
            hessian=np.einsum('niv,nvj->ij', weighted, along),
            gradient=np.einsum('niv,nv->i', weighted, shifts),
            flatness=max(curvature / products.trace(axis1=1, axis2=2).sum(), _FLATTEST),
        )

    @property
    def information(self) -> Array:
        """[SIZE, SIZE], of the intrinsics, with the pose eliminated."""
        across, own = self._across(), self.hessian[POSE_SIZE:, POSE_SIZE:]
        ridge = (_RIDGE * np.trace(own) + _LEAST_INFORMATION) * np.eye(SIZE)
        return own - self.hessian[POSE_SIZE:, :POSE_SIZE] @ across + ridge

    def step(self) -> Array:
        """Return the step of the intrinsics [SIZE] to the solution."""
        right = self.gradient[POSE_SIZE:] - self._across().T @ self.gradient[:POSE_SIZE]
        step = np.linalg.solve(self.information, right) / self.flatness
        return np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)

    def twist(self, step: Array) -> Array:
        """Return the twist [6] of the camera that goes with a step of the intrinsics [SIZE]."""
        return -self._across() @ step

    def _across(self) -> Array:
        pose = self.hessian[:POSE_SIZE, :POSE_SIZE]
        ridge = _RIDGE * np.diag(np.diag(pose)) + _LEAST_INFORMATION * np.eye(POSE_SIZE)
        return np.linalg.solve(pose + ridge, self.hessian[:POSE_SIZE, POSE_SIZE:])


def _pixel_jacobians(rays: Array, camera: Camera) -> Array:
    """Return how pixels move with a twist of the camera and with its intrinsics.

    :param rays: [3, N], x / z, y / z and 1 / z. :returns: [N, 2, POSE_SIZE + SIZE].
    """
    x, y, inverse_z = rays
    zero, one = np.zeros_like(x), np.ones_like(x)
    across = (inverse_z, zero, -x * inverse_z, -x * y, 1 + x * x, -y, x, one, zero)
    down = (zero, inverse_z, -y * inverse_z, -(1 + y * y), x * y, x, y, zero, one)
    return np.stack((camera.fx * np.stack(across, 1), camera.fy * np.stack(down, 1)), axis=1)


def _symmetric(products: Array) -> Array:
    """Return matrices [N, 2, 2] of uu, uv and vv [N, 3]."""
    return products[:, (0, 1, 1, 2)].reshape(-1, 2, 2)


def _weights(products: Array, rays: Array, camera: Camera, variance: float) -> Array:
    """Return the inverse covariances [N, 2, 2] of the blocks' displacements.

    :param products: [N, 2, 2], of gradients. :param variance: of a residual.
    """
    squares = np.floor(rays[:2] / _CELL).astype(int)
    _, square, count = np.unique(squares, axis=1, return_inverse=True, return_counts=True)
    # What displaces a square displaces all of its blocks.
    displaced = (camera.fx * _MISPLACED) ** 2 * count[square.ravel()] + _MEASURED_PX**2
    noise = variance * np.eye(2) + displaced[:, None, None] * products
    return products @ np.linalg.inv(noise)
