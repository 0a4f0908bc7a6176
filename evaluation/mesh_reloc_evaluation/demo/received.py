"""What went to the node and what came back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReceivedPose:
    """A pose that the node published."""

    stamp_ns: int
    map_T_camera: NDArray[np.float64]
    received: float
    """Seconds of the clock that `Replay.sent` is in, too."""


@dataclass
class Replay:
    """All that went out and came back."""

    sent: dict[int, float] = field(default_factory=dict)
    """When each image was published, in seconds, by its stamp in nanoseconds."""
    poses: list[ReceivedPose] = field(default_factory=list)
    covariances: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """[6, 6] by stamp, of the messages with covariance."""
    overlays: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """RGB [H, W, 3] by stamp."""
