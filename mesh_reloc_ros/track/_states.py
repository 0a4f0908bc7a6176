"""The tracker's states, and what leads from one to another.

| state        | after an accepted pose | after a rejected pose | rejected too often, or too long |
|--------------|------------------------|-----------------------|---------------------------------|
| INITIALIZING | TRACKING               | INITIALIZING          | LOST                            |
| TRACKING     | TRACKING               | UNSURE                | LOST                            |
| UNSURE       | TRACKING               | UNSURE                | LOST                            |
| LOST         | TRACKING               | LOST                  | LOST                            |

A new start, or a jump in time, leads to INITIALIZING.
"""

from __future__ import annotations

from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.types.estimate import State

_AFTER_REJECTION = {
    State.INITIALIZING: State.INITIALIZING,
    State.TRACKING: State.UNSURE,
    State.UNSURE: State.UNSURE,
    State.LOST: State.LOST,
}


class StateMachine:
    """The state since a start."""

    def __init__(self) -> None:
        self.state = State.INITIALIZING
        self.rejections = 0
        """Rejected images in a row."""
        self.accepted_ns = 0
        """Stamp of the last accepted pose; of the first image until then."""

    def begin(self, stamp_ns: int) -> None:
        """Take note of the first image."""
        self.accepted_ns = stamp_ns

    def accept(self, stamp_ns: int) -> None:
        """Take note of an accepted pose."""
        self.state = State.TRACKING
        self.rejections = 0
        self.accepted_ns = stamp_ns

    def reject(self, stamp_ns: int, settings: TrackingSettings) -> None:
        """Take note of a rejected pose."""
        self.rejections += 1
        is_long = stamp_ns - self.accepted_ns >= settings.lost_after_interval * 1e9
        is_often = self.rejections >= settings.lost_after
        self.state = State.LOST if is_often or is_long else _AFTER_REJECTION[self.state]
