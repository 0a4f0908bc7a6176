"""Local features of an image: SIFT, or those of a function that a user provides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Lower than usual, as textures of meshes are soft.
_CONTRAST = 0.015
# Components of descriptors of length 1 as bytes: larger ones than a half are rare.
_SIFT_LENGTH, _SIFT_SIZE = 512.0, 128
_SIGNED_RANGE = 0.5


@dataclass(frozen=True)
class Features:
    """N local features of an image."""

    pixels: Array
    """[N, 2], column and row."""
    sizes: Array
    """[N], pixels; all alike if the detector does not tell."""
    angles: Array
    """[N], radians, from the x axis towards the y axis; all alike if it does not tell."""
    descriptors: NDArray[np.uint8]
    """[N, D], compared by the Euclidean distance."""

    @staticmethod
    def of_arrays(
        pixels: Array, descriptors: Array, sizes: Array | None = None, angles: Array | None = None
    ) -> Features:
        """Return features with float descriptors [N, D] of any length, as learned ones have."""
        length = np.linalg.norm(descriptors, axis=1, keepdims=True)
        unit = descriptors / np.maximum(length, 1e-12)
        signed = 255 * (unit / _SIGNED_RANGE + 1) / 2
        return Features(
            np.asarray(pixels, dtype=np.float64),
            np.ones(len(pixels)) if sizes is None else np.asarray(sizes, dtype=np.float64),
            np.zeros(len(pixels)) if angles is None else np.asarray(angles, dtype=np.float64),
            np.clip(np.round(signed), 0, 255).astype(np.uint8),
        )

    @staticmethod
    def joined(parts: Sequence[Features]) -> Features:
        """Return the features of several images, one after the other."""
        if not parts:
            return _none()
        values = zip(*(vars(part).values() for part in parts), strict=True)
        return Features(*(np.concatenate(value) for value in values))

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.pixels)

    def of(self, chosen: NDArray[np.bool_]) -> Features:
        """Return the chosen features."""
        return Features(*(values[chosen] for values in vars(self).values()))


Extractor = Callable[[NDArray[np.uint8], int], Features]
"""Returns up to so many features of a grey image [H, W]. Called from several threads."""


def sift(grey: NDArray[np.uint8], count: int) -> Features:
    """Return up to `count` SIFT features of a grey image [H, W].

    Descriptors are root-normalised: R. Arandjelovic, A. Zisserman, "Three things everyone should
    know to improve object retrieval", CVPR 2012.
    """
    detector = cv2.SIFT.create(nfeatures=count, contrastThreshold=_CONTRAST)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    if not keypoints:
        return _none()
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6))
    return Features(
        np.array([point.pt for point in keypoints]),
        np.array([point.size for point in keypoints]),
        np.radians([point.angle for point in keypoints]),
        np.minimum(np.round(_SIFT_LENGTH * rooted), 255).astype(np.uint8),
    )


def unit_rays(pixels: Array, camera: Camera) -> Array:
    """Return the directions [N, 3] of pixels [N, 2] in the camera's frame, of length 1."""
    plane = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    rays = np.column_stack((plane, np.ones(len(plane))))
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _none() -> Features:
    return Features(
        np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros((0, _SIFT_SIZE), dtype=np.uint8)
    )
