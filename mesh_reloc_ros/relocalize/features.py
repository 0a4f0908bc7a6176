"""Local features of an image: SIFT, or those of a function that a user provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types import Array


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

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.pixels)

    def of(self, chosen: NDArray[np.bool_]) -> Features:
        """Return the chosen features."""
        return Features(*(values[chosen] for values in vars(self).values()))


Extractor = Callable[[NDArray[np.uint8], int], Features]
"""Returns up to so many features of a grey image [H, W]."""

# Lower than usual, as textures of meshes are soft.
_CONTRAST = 0.015
# Longest unit vector component that a byte holds.
_SCALE = 512.0


def sift(grey: NDArray[np.uint8], count: int) -> Features:
    """Return up to `count` SIFT features of a grey image [H, W].

    Descriptors are root-normalised: R. Arandjelovic, A. Zisserman, "Three things everyone should
    know to improve object retrieval", CVPR 2012.
    """
    detector = cv2.SIFT.create(nfeatures=count, contrastThreshold=_CONTRAST)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    if not keypoints:
        return Features(
            np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros((0, 128), dtype=np.uint8)
        )
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6))
    return Features(
        np.array([point.pt for point in keypoints]),
        np.array([point.size for point in keypoints]),
        np.radians([point.angle for point in keypoints]),
        np.minimum(np.round(_SCALE * rooted), 255).astype(np.uint8),
    )
