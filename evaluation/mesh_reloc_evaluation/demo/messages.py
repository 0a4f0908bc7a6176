"""Messages of a replay: images that were sent, poses and overlays that were received."""

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
    """Time of arrival in seconds, by the clock of `Replay.sent`."""


@dataclass
class Replay:
    """All messages of a replay."""

    sent: dict[int, float] = field(default_factory=dict)
    """When each image was published, in seconds, by its stamp in nanoseconds."""
    poses: list[ReceivedPose] = field(default_factory=list)
    covariances: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """[6, 6] by stamp."""
    overlays: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """RGB [H, W, 3] by stamp."""
