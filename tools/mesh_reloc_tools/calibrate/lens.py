"""A camera with lens distortion, in the models of OpenCV and ROS (REP 104)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np

from mesh_reloc_ros.messages.rectification import Rectification
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

COEFFICIENTS = {'plumb_bob': 5, 'rational_polynomial': 8, 'equidistant': 4}
"""Number of distortion coefficients of each model."""
NAMES = {
    'plumb_bob': ('k1', 'k2', 'p1', 'p2', 'k3'),
    'rational_polynomial': ('k1', 'k2', 'p1', 'p2', 'k3', 'k4', 'k5', 'k6'),
    'equidistant': ('k1', 'k2', 'k3', 'k4'),
}
# What coefficients usually are, 1 sigma: what images do not determine stays small.
_USUAL = {'k1': 0.3, 'k2': 0.3, 'p1': 0.002, 'p2': 0.002}
_USUAL |= dict.fromkeys(('k3', 'k4', 'k5', 'k6'), 0.1)
# Pixels are square up to this, 1 sigma.
_SQUARE = 2e-3
FOCAL_AND_CENTRE = 4
"""Number of the parameters that are not distortion; they come first."""
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Lens:
    """Intrinsics of a raw image."""

    camera: Camera
    model: str
    distortion: tuple[float, ...]

    @staticmethod
    def without_distortion(camera: Camera, model: str) -> Lens:
        """Return the lens that a calibration starts from."""
        return Lens(camera, model, (0.0,) * COEFFICIENTS[model])

    @property
    def rectification(self) -> Rectification:
        """From raw images to those of a pinhole camera with the same focal length and centre."""
        return Rectification(self.camera, self.camera, self.model, self.distortion, _IDENTITY)

    def changed(self, step: Array) -> Lens:
        """Return the lens after a step of its parameters; see `jacobians`."""
        camera = self.camera
        return Lens(
            dataclasses.replace(
                camera,
                fx=camera.fx * float(np.exp(step[0])),
                fy=camera.fy * float(np.exp(step[1])),
                cx=camera.cx + camera.fx * float(step[2]),
                cy=camera.cy + camera.fy * float(step[3]),
            ),
            self.model,
            tuple((np.array(self.distortion) + step[FOCAL_AND_CENTRE:]).tolist()),
        )

    def jacobians(self, rays: Array) -> Array:
        """Return how displaced rectified rays [2, N] are by a step of the parameters [N, 2, P].

        The parameters are the logarithms of both focal lengths, the centre in focal lengths, and
        the distortion. The raw image is where a better lens says; this one says where that is in
        the rectified image.
        """
        points = np.ascontiguousarray(np.vstack((rays, np.ones_like(rays[:1]))).T)[:, None]
        still, matrix, distortion = np.zeros(3), self.camera.matrix, np.array(self.distortion)
        if self.model == 'equidistant':
            _, along = cv2.fisheye.projectPoints(points, still, still, matrix, distortion)
            # Focal lengths, centre, distortion, rotation, translation, skew.
            own, moved = along[:, : FOCAL_AND_CENTRE + 4], along[:, 11:13]
        else:
            _, along = cv2.projectPoints(points, still, still, matrix, distortion)
            # Rotation, translation, focal lengths, centre, distortion.
            own, moved = along[:, 6:], along[:, 3:5]
        scale = np.ones(own.shape[1])
        scale[:FOCAL_AND_CENTRE] = 2 * (self.camera.fx, self.camera.fy)
        own, moved = (own * scale).reshape(len(points), 2, -1), moved.reshape(-1, 2, 2)
        return np.linalg.solve(moved, own)

    @property
    def prior(self) -> Array:
        """[P, P], information before any image: of a usual lens, and of nearly square pixels."""
        names = NAMES[self.model]
        usual = [0.0] * FOCAL_AND_CENTRE + [_USUAL[name] ** -2 for name in names]
        square = np.zeros(len(usual))
        square[:2] = 1 / _SQUARE, -1 / _SQUARE
        return np.diag(usual) + np.outer(square, square)

    @property
    def departure(self) -> Array:
        """[P], how far the parameters are from those that the prior is about."""
        camera = self.camera
        focal = 0.5 * np.log(camera.fx / camera.fy)
        return np.array([focal, -focal, 0.0, 0.0, *self.distortion])
