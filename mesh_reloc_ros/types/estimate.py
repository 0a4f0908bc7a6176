"""The pose of one image: the output of the tracker."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mesh_reloc_ros.types import Array


class State(Enum):
    """What the tracker knows about the camera's pose."""

    INITIALIZING = 'INITIALIZING'
    """No pose has been accepted since the start."""
    TRACKING = 'TRACKING'
    """The last image's pose was accepted."""
    UNSURE = 'UNSURE'
    """The last images were rejected. Images are still aligned from the predicted pose."""
    LOST = 'LOST'
    """Too many images in a row were rejected. The search looks for the camera, if enabled."""

    @property
    def is_searching(self) -> bool:
        """Whether there is no recent pose: at best a start pose, or an old one."""
        return self in (State.INITIALIZING, State.LOST)


class Rejection(Enum):
    """Why a pose is not trusted."""

    SEARCHING = 'searching'
    """There is no pose yet: the search has not found the camera."""
    AMBIGUOUS = 'ambiguous'
    """The camera may be at several places that look alike."""
    OUT_OF_ORDER = 'out_of_order'
    """The image is not newer than the one before."""
    FROZEN_IMAGE = 'frozen_image'
    """The camera moved, but repeats its last image."""
    NOT_ALIGNED = 'not_aligned'
    """The alignment failed: the image shows too little of the mesh."""
    LOW_COVERAGE = 'low_coverage'
    """The mesh covers too small a part of the image."""
    LOW_INLIER_RATIO = 'low_inlier_ratio'
    """Too few pixels agree with the mesh."""
    LOW_SCORE = 'low_score'
    """The correlation of image and render is too low."""
    ILL_CONDITIONED = 'ill_conditioned'
    """The image does not determine the pose: its covariance is too large."""
    INNOVATION = 'innovation'
    """The pose is too far from the prediction."""
    REALIGNMENT = 'realignment'
    """An alignment from another start ends at another pose."""
    CALIBRATION = 'calibration'
    """The images contradict the intrinsics in camera_info."""
    DISPLACED = 'displaced'
    """The optical flow from the render to the image leads to another pose: a rolling shutter."""


@dataclass(frozen=True)
class PoseEstimate:
    """The tracker's answer to one frame. Publish the pose only if `trusted`."""

    stamp_ns: int
    state: State
    rejection: Rejection | None
    """Why the pose is not trusted; None if it is."""
    reason: str
    """The rejection in one line with its figures, for people; empty if the pose is trusted."""
    map_T_camera: Array
    """[4, 4], metres: the aligned pose, or the predicted pose if the alignment failed. The identity
    if there is no pose."""
    covariance: Array
    """[6, 6] in the ROS order x y z rx ry rz (m, rad), about the map's fixed axes."""
    score: float = 0.0
    """Agreement of render and image, 0 to 1."""
    inlier_ratio: float = 0.0
    """Share of the aligned pixels that agree with the mesh."""
    coverage: float = 0.0
    """Share of the image that the mesh covers."""
    is_located: bool = True
    """Whether there is a pose at all, trusted or not."""
    places_alike: int = 0
    """At how many places that look alike the camera may be, with `Rejection.AMBIGUOUS`; else 0."""
    is_grey: bool = False
    """Whether the image was compared with grey renders."""
    iterations: int = 0
    """Solver steps."""
    stages_ms: dict[str, float] = field(default_factory=dict)
    """Wall time by stage; `total` is the whole of it."""

    @property
    def trusted(self) -> bool:
        """Whether the pose passed all checks."""
        return self.rejection is None
