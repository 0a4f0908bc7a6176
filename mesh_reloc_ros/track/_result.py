"""A pose that the tracker considers for an image, and the estimate made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import about_map_axes

# Of a pose that was never aligned nothing is known.
_UNKNOWN = 1e6 * np.eye(6)


class Rejected(NamedTuple):
    """Why a check fails."""

    rejection: Rejection
    reason: str
    """In one line, with figures."""


@dataclass(frozen=True)
class TrackingResult:
    """A pose of an image, and why it is rejected, if it is."""

    rejected: Rejected | None
    motion: MotionFilter | None = None
    """Predicted to the image; None if the camera's pose is unknown."""
    alignment: Alignment | None = None
    """From the predicted pose."""
    places_alike: int = 0
    """At how many places the camera may be, where that is why it is rejected."""

    def estimate(self, frame: Frame, state: State, stages_ms: dict[str, float]) -> PoseEstimate:
        """Return the answer to the frame."""
        rejected, motion, alignment = self.rejected, self.motion, self.alignment
        pose, covariance = np.eye(4), _UNKNOWN
        if alignment is not None and alignment.is_finite:
            pose, covariance = alignment.pose, alignment.pose_covariance
        elif motion is not None:
            pose, covariance = motion.map_T_camera, motion.covariance
        return PoseEstimate(
            stamp_ns=frame.stamp_ns,
            state=state,
            rejection=None if rejected is None else rejected.rejection,
            reason='' if rejected is None else rejected.reason,
            map_T_camera=pose,
            covariance=about_map_axes(covariance, pose),
            score=0.0 if alignment is None else _number(alignment.score),
            inlier_ratio=0.0 if alignment is None else _number(alignment.inlier_ratio),
            coverage=0.0 if alignment is None else _number(alignment.coverage),
            iterations=0 if alignment is None else alignment.iterations,
            stages_ms=stages_ms,
            is_located=motion is not None,
            places_alike=self.places_alike,
            is_grey=bool(frame.is_grey),
        )


def _number(values: Tensor) -> float:
    return float(values[0].nan_to_num(0.0))
