"""The pose of one image: what comes out of the tracker."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class State(Enum):
    """What the tracker knows about where the camera is."""

    INITIALIZING = 'INITIALIZING'
    """No pose has been trusted since the start."""
    TRACKING = 'TRACKING'
    """The last image's pose was trusted."""
    UNSURE = 'UNSURE'
    """The last images were refused. They are still aligned from where the camera is expected."""
    LOST = 'LOST'
    """Several images in a row were refused; the camera is searched for, if there is a search."""

    @property
    def is_searching(self) -> bool:
        """Whether nothing tells where the camera is, but a start pose or an old one at best."""
        return self in (State.INITIALIZING, State.LOST)


@dataclass(frozen=True)
class PoseEstimate:
    """The tracker's answer to one frame. Publish the pose only if `trusted`."""

    stamp_ns: int
    state: State
    trusted: bool
    reason: str
    """Why the pose is not trusted, one line; empty when it is."""
    map_T_camera: NDArray[np.float64]
    """[4, 4], metres: the aligned pose, or the predicted one where alignment was not possible.
    The identity where nothing is known of the camera."""
    covariance: NDArray[np.float64]
    """[6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed axes."""
    score: float = 0.0
    """Agreement of render and image, 0 to 1."""
    inlier_ratio: float = 0.0
    coverage: float = 0.0
    """Share of the image that the mesh covers."""
    is_located: bool = True
    """Whether there is a pose at all, trusted or not."""
    is_grey: bool = False
    """Whether the image was compared with grey renders."""
    iterations: int = 0
    stages_ms: dict[str, float] = field(default_factory=dict)
    """Wall time by stage; `total` is the whole of it."""
