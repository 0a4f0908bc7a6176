"""By how much the blocks of an aligned image stay displaced, as a system of equations.

Whatever displaces the image as no pose does shows in it: wrong intrinsics, a lens's distortion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mesh_reloc_ros.align._assessment import MISPLACED
from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.kernels.covariance import CELL
from mesh_reloc_ros.kernels.layout import CURVATURE, PLACE, POSE_SIZE, RENDER
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

Jacobians = Callable[[Array], Array]
"""How displaced x / z and y / z [2, N] are by each of P parameters: [N, 2, P]."""

# A displacement is measured to so many pixels, 1 sigma.
_MEASURED_PX = 0.15
# The loss is flatter than its linearization: displacements are larger by the inverse, up to this.
_FLATTEST = 0.2
# Fewer blocks than this determine too little.
_FEWEST_BLOCKS = 20
# Ridges that keep the systems regular, as shares of their diagonals, and at least.
_RIDGE, _LEAST_INFORMATION = 1e-6, 1e-6


@dataclass(frozen=True)
class DisplacementSystem:
    """Normal equations of the displacements of blocks: the pose first, then P parameters."""

    hessian: Array
    """[POSE_SIZE + P, POSE_SIZE + P]."""
    gradient: Array
    """[POSE_SIZE + P]."""
    flatness: float
    """Curvature of the loss over that of its linearization."""
    pixels: Array
    """[N, 2], where the blocks are in the image."""
    shifts: Array
    """[N, 2], by how many pixels the image is displaced there."""

    @staticmethod
    def of(alignment: Alignment, jacobians: Jacobians) -> DisplacementSystem | None:
        """Gather the equations from an alignment of a single pose; None if it shows too little."""
        assert alignment.keyframe is not None
        assert alignment.blocks is not None
        camera, blocks = alignment.keyframe.levels[0].camera, alignment.blocks.figures[0]
        blocks = blocks[blocks[:, PLACE] > 0]
        if not alignment.is_finite or len(blocks) < _FEWEST_BLOCKS:
            return None
        focal = np.array([camera.fx, camera.fy])
        rays = (blocks[:, PLACE + 1 :] / blocks[:, PLACE, None]).T
        along = np.concatenate((pose_jacobians(rays), jacobians(rays[:2])), axis=2)
        along *= focal[:, None]
        products = _symmetric(blocks[:, RENDER:CURVATURE])
        products += (_RIDGE * products.trace(axis1=1, axis2=2).mean() + 1e-12) * np.eye(2)
        # The first two parts of the gradient are the pull along u and v, times fx / z and fy / z.
        pull = -blocks[:, :2] / (rays[2] * focal[:, None]).T
        curvature = blocks[:, CURVATURE].sum() + blocks[:, CURVATURE + 3].sum()
        flatness = max(curvature / products.trace(axis1=1, axis2=2).sum(), _FLATTEST)
        shifts = np.linalg.solve(products, pull[..., None])[..., 0]
        weights = _weights(products, rays, camera, float(alignment.blocks.variance[0]))
        weighted = np.einsum('nui,nuv->niv', along, weights)
        return DisplacementSystem(
            hessian=np.einsum('niv,nvj->ij', weighted, along),
            gradient=np.einsum('niv,nv->i', weighted, shifts),
            flatness=flatness,
            pixels=rays[:2].T * focal + (camera.cx, camera.cy),
            shifts=shifts / flatness,
        )

    @property
    def information(self) -> Array:
        """[P, P], of the parameters, with the pose eliminated."""
        across, own = self._across(), self.hessian[POSE_SIZE:, POSE_SIZE:]
        ridge = (_RIDGE * np.trace(own) / len(own) + _LEAST_INFORMATION) * np.eye(len(own))
        return own - self.hessian[POSE_SIZE:, :POSE_SIZE] @ across + ridge

    @property
    def score(self) -> Array:
        """[P], information times the step to the solution."""
        right = self.gradient[POSE_SIZE:] - self._across().T @ self.gradient[:POSE_SIZE]
        return right / self.flatness

    def twist(self, step: Array) -> Array:
        """Return the twist [6] of the camera that goes with a step of the parameters [P]."""
        return -self._across() @ step

    def _across(self) -> Array:
        pose = self.hessian[:POSE_SIZE, :POSE_SIZE]
        ridge = _RIDGE * np.diag(np.diag(pose)) + _LEAST_INFORMATION * np.eye(POSE_SIZE)
        return np.linalg.solve(pose + ridge, self.hessian[:POSE_SIZE, POSE_SIZE:])


def pose_jacobians(rays: Array) -> Array:
    """Return how x / z and y / z move with a twist of the camera [N, 2, POSE_SIZE].

    :param rays: [3, N], x / z, y / z and 1 / z.
    """
    x, y, inverse_z = rays
    zero = np.zeros_like(x)
    across = (inverse_z, zero, -x * inverse_z, -x * y, 1 + x * x, -y)
    down = (zero, inverse_z, -y * inverse_z, -(1 + y * y), x * y, x)
    return np.stack((np.stack(across, 1), np.stack(down, 1)), axis=1)


def _symmetric(products: Array) -> Array:
    """Return matrices [N, 2, 2] of uu, uv and vv [N, 3]."""
    return products[:, (0, 1, 1, 2)].reshape(-1, 2, 2)


def _weights(products: Array, rays: Array, camera: Camera, variance: float) -> Array:
    """Return the inverse covariances [N, 2, 2] of the blocks' displacements.

    :param products: [N, 2, 2], of gradients. :param variance: of a residual.
    """
    squares = np.floor(rays[:2] / CELL).astype(int)
    _, square, count = np.unique(squares, axis=1, return_inverse=True, return_counts=True)
    # What displaces a square displaces all of its blocks.
    displaced = (camera.fx * MISPLACED) ** 2 * count[square.ravel()] + _MEASURED_PX**2
    noise = variance * np.eye(2) + displaced[:, None, None] * products
    return products @ np.linalg.inv(noise)
