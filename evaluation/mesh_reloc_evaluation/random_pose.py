"""Poses off a known one by a given distance and angle."""

from __future__ import annotations

import numpy as np

from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.types import Array


def perturbed(pose: Array, rng: np.random.Generator, metres: float, degrees: float) -> Array:
    """Return a pose [4, 4] moved by this distance and turned by this angle, in random directions.

    The shift is in the frame of the map, the rotation in that of the camera.
    """
    shift, axis = rng.normal(size=(2, 3))
    shift *= metres / np.linalg.norm(shift)
    axis *= np.radians(degrees) / np.linalg.norm(axis)
    moved = pose @ exp(np.concatenate((np.zeros(3), axis)))
    moved[:3, 3] += shift
    return np.asarray(moved)
