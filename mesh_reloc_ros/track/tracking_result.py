"""An image's pose before it is trusted or refused, and the answer made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.track.motion_filter import MotionFilter
from mesh_reloc_ros.types.estimate import PoseEstimate, State
from mesh_reloc_ros.types.frame import Frame

# Nothing is known of a pose that was never aligned.
_NO_COVARIANCE = 1e6 * np.eye(6)


@dataclass(frozen=True)
class TrackingResult:
    """An image's pose, by one way or another, and why it is not to be trusted."""

    doubt: str
    """Empty where there is none."""
    motion: MotionFilter | None = None
    """The motion so far, predicted to the image; None where nothing is known."""
    alignment: Alignment | None = None
    is_late: bool = False
    """An older image than the last: it tells nothing of where the camera is now."""

    def estimate(self, frame: Frame, state: State, stages_ms: dict[str, float]) -> PoseEstimate:
        """Return the answer to the frame."""
        motion, alignment = self.motion, self.alignment
        pose, covariance = np.eye(4), _NO_COVARIANCE
        if alignment is not None and is_finite(alignment):
            pose, covariance = alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy()
        elif motion is not None:
            pose, covariance = motion.map_T_camera, motion.covariance
        return PoseEstimate(
            stamp_ns=frame.stamp_ns,
            state=state,
            trusted=not self.doubt,
            reason=self.doubt,
            map_T_camera=pose,
            covariance=about_map_axes(covariance, pose),
            score=0.0 if alignment is None else _number(alignment.score),
            inlier_ratio=0.0 if alignment is None else _number(alignment.inlier_ratio),
            coverage=0.0 if alignment is None else _number(alignment.coverage),
            iterations=0 if alignment is None else alignment.iterations,
            stages_ms=stages_ms,
            is_located=motion is not None,
            is_grey=bool(frame.is_grey),
        )


def about_map_axes(
    covariance: NDArray[np.float64], map_T_camera: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn the covariance [6, 6] of x in `map_T_camera exp(x)` to the map's axes, the ROS order."""
    rotation = np.zeros((6, 6))
    rotation[:3, :3] = rotation[3:, 3:] = map_T_camera[:3, :3]
    return rotation @ covariance @ rotation.T


def about_camera_axes(
    covariance: NDArray[np.float64], map_T_camera: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn a covariance [6, 6] about the map's axes to x in `map_T_camera exp(x)`."""
    return about_map_axes(covariance, np.linalg.inv(map_T_camera))


def is_finite(alignment: Alignment) -> bool:
    """Whether there is a pose at all."""
    return bool(alignment.map_T_camera.isfinite().all() and alignment.covariance.isfinite().all())


def _number(values: Tensor) -> float:
    return float(values[0].nan_to_num(0.0))
