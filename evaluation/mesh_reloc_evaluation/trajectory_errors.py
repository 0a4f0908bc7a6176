"""Errors of an estimated trajectory against a true one, in the map frame, without alignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.trajectory import Trajectory

PAIRING_TOLERANCE_NS = 5_000_000
WRONG_BEYOND_M = 0.10
WRONG_BEYOND_DEG = 5.0


def associate(estimate: Trajectory, truth: Trajectory) -> tuple[Trajectory, Trajectory]:
    """Return the poses of both trajectories [M] with the same stamps, to within 5 ms."""
    if not len(estimate) or not len(truth):
        nothing = Trajectory(np.empty(0, dtype=np.int64), np.empty((0, 4, 4)))
        return nothing, nothing
    right = np.searchsorted(truth.stamps_ns, estimate.stamps_ns).clip(1, len(truth) - 1)
    left = np.maximum(right - 1, 0)
    nearer_left = np.abs(truth.stamps_ns[left] - estimate.stamps_ns) < np.abs(
        truth.stamps_ns[right] - estimate.stamps_ns
    )
    nearest = np.where(nearer_left, left, right)
    shared = np.abs(truth.stamps_ns[nearest] - estimate.stamps_ns) <= PAIRING_TOLERANCE_NS
    nearest = nearest[shared]
    return (
        Trajectory(estimate.stamps_ns[shared], estimate.poses[shared]),
        Trajectory(truth.stamps_ns[nearest], truth.poses[nearest]),
    )


def pose_errors(estimate: Trajectory, truth: Trajectory) -> tuple[Array, Array]:
    """Return the distance in metres [M] and the angle in degrees [M] of the paired poses."""
    estimated, true = associate(estimate, truth)
    metres = np.linalg.norm(estimated.poses[:, :3, 3] - true.poses[:, :3, 3], axis=1)
    turns = Rotation.from_matrix(
        estimated.poses[:, :3, :3].transpose(0, 2, 1) @ true.poses[:, :3, :3]
    )
    return metres, np.degrees(turns.magnitude())


def is_wrong(metres: Any, degrees: Any) -> Any:
    """Return whether poses with these errors are wrong, as a bool or an array of bools."""
    return (metres > WRONG_BEYOND_M) | (degrees > WRONG_BEYOND_DEG)


def summarize_errors(metres: Array, degrees: Array) -> dict[str, float | int]:
    """Return median, p90 and maximum of errors [M] in cm and degrees, and how many are wrong."""
    metrics: dict[str, float | int] = {'poses': len(metres)}
    if len(metres):
        for unit, values in (('cm', metres * 100), ('deg', degrees)):
            metrics[f'median_{unit}'] = float(np.median(values))
            metrics[f'p90_{unit}'] = float(np.percentile(values, 90))
            metrics[f'max_{unit}'] = float(values.max())
    metrics['wrong'] = int(is_wrong(metres, degrees).sum())
    return metrics
