"""Order of image stamps: late images, jumps back and ahead, and how stamps relate to a clock."""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

_FAR_BACK_NS = 1_000_000_000
# Late images in increasing order that count as a jump back: those older than the last image by more
# than `_FAR_BACK_NS`, and all others. A single old image is only late.
_RUN_FAR_BACK, _RUN = 2, 10

_LEFTOVERS_S = 3.0

_HISTORY_SPACING_NS = 100_000_000
# An hour of poses.
_HISTORY_LENGTH = 36_000

_AHEAD_OF_CLOCK_S = 0.5
_BEHIND_CLOCK_S = 30.0
_TOO_FAR_AHEAD_S = 5.0


class TimeEvent(Enum):
    """How the stamp of an image relates to the stamps before it."""

    NEXT = auto()
    """Newer than the last image."""
    STALE = auto()
    """Not newer than the last image: the image came late, or twice. It is not tracked."""
    JUMP_BACK = auto()
    """Time went back: a recording loops or seeks backwards, or a clock was set."""
    JUMP_AHEAD = auto()
    """Far newer than the last image: a recording seeks forwards, or images paused for long."""


class TimelineMonitor:
    """Classifies the stamps of successive images. The only place that decides on jumps of time."""

    def __init__(self, restart_after_s: float) -> None:
        """Start without an image.

        :param restart_after_s: a larger step between two images is a jump ahead, in seconds.
        """
        self.restart_after_s = restart_after_s
        self.last_ns: int | None = None
        """Stamp of the last image that was not stale."""
        self._stale_ns: list[int] = []

    def advance(self, stamp_ns: int) -> TimeEvent:
        """Classify the stamp of the next image. Stale stamps do not move the timeline."""
        event = self._classify(stamp_ns)
        if event is not TimeEvent.STALE:
            self.last_ns, self._stale_ns = stamp_ns, []
        return event

    def _classify(self, stamp_ns: int) -> TimeEvent:
        if self.last_ns is None:
            return TimeEvent.NEXT
        if stamp_ns <= self.last_ns:
            return TimeEvent.JUMP_BACK if self._continues_in_past(stamp_ns) else TimeEvent.STALE
        is_far = stamp_ns - self.last_ns > self.restart_after_s * 1e9
        return TimeEvent.JUMP_AHEAD if is_far else TimeEvent.NEXT

    def _continues_in_past(self, stamp_ns: int) -> bool:
        """Whether enough images in increasing order are older than the last."""
        assert self.last_ns is not None
        if self._stale_ns and stamp_ns <= self._stale_ns[-1]:
            self._stale_ns = []
        self._stale_ns.append(stamp_ns)
        is_far = self.last_ns - stamp_ns > _FAR_BACK_NS
        return len(self._stale_ns) >= (_RUN_FAR_BACK if is_far else _RUN)


class PoseHistory:
    """Trusted poses by stamp: a recording that plays again shows the same places."""

    def __init__(self) -> None:
        self._stamps: list[int] = []
        self._poses: list[NDArray[np.float64]] = []

    def add(self, stamp_ns: int, map_T_camera: NDArray[np.float64]) -> None:
        """Add a trusted pose [4, 4], unless one within 0.1 s is there."""
        place = bisect_left(self._stamps, stamp_ns)
        around = self._stamps[max(place - 1, 0) : place + 1]
        if any(abs(stamp - stamp_ns) < _HISTORY_SPACING_NS for stamp in around):
            return
        self._stamps.insert(place, stamp_ns)
        self._poses.insert(place, map_T_camera)
        if len(self._stamps) > _HISTORY_LENGTH:
            # A longer recording is searched at its beginning.
            del self._stamps[0], self._poses[0]

    def at(self, stamp_ns: int) -> NDArray[np.float64] | None:
        """Return the pose [4, 4] within 0.1 s of a stamp; None if unknown, or if that is new."""
        if not self._stamps or stamp_ns > self._stamps[-1]:
            return None
        place = bisect_left(self._stamps, stamp_ns)
        near = range(max(place - 1, 0), min(place + 1, len(self._stamps)))
        best = min(near, key=lambda index: abs(self._stamps[index] - stamp_ns), default=None)
        if best is None or abs(self._stamps[best] - stamp_ns) > _HISTORY_SPACING_NS:
            return None
        return self._poses[best]


def is_leftover(stamp_ns: int, before_ns: int, after_ns: int, passed_s: float) -> bool:
    """Whether a transform that arrives after a jump back still belongs to the time before it.

    Its stamp is then nearer to the time before the jump. Once the images are within a second of
    that time, the two cannot be told apart.

    :param before_ns: stamp of the last image before the jump.
    :param after_ns: stamp of the newest image since.
    :param passed_s: time since the jump; leftovers arrive within three seconds.
    """
    if passed_s > _LEFTOVERS_S or before_ns - after_ns < _FAR_BACK_NS:
        return False
    return stamp_ns > (after_ns + before_ns) // 2


def is_live(stamp_ns: int, now_ns: int, is_simulated: bool) -> bool:
    """Whether an image comes from a camera, not from a recording, as far as stamps can tell."""
    return not is_simulated and abs(stamp_ns - now_ns) < _BEHIND_CLOCK_S * 1e9


def is_far_ahead(stamp_ns: int, now_ns: int) -> bool:
    """Whether a stamp is too far ahead of the clock to be sent to TF.

    TF listeners would drop later transforms with correct stamps as outdated.
    """
    return now_ns > 0 and stamp_ns > now_ns + _TOO_FAR_AHEAD_S * 1e9


def clock_problem(stamp_ns: int, now_ns: int, is_simulated: bool) -> str:
    """Return what is wrong between image stamps and the node's clock; '' if nothing is.

    Poses are right all the same, but TF lookups by the clock do not find them.
    """
    if is_simulated and now_ns == 0:
        return (
            'use_sim_time is set, but no time comes on /clock: play the bag with --clock, or set'
            ' use_sim_time to false'
        )
    if stamp_ns > now_ns + _AHEAD_OF_CLOCK_S * 1e9:
        if is_simulated:
            return (
                "the images' stamps are ahead of /clock: check that images and /clock come from the"
                ' same bag'
            )
        return (
            "the images' stamps are ahead of this machine's clock: synchronize the clocks of both"
            ' machines (chrony), or set use_sim_time if a simulation or bag publishes the time'
        )
    if stamp_ns < now_ns - _BEHIND_CLOCK_S * 1e9 and not is_simulated:
        return (
            "the images' stamps are long past: if a bag is played, set use_sim_time and play it"
            ' with --clock; else have the driver stamp images by the clock'
        )
    return ''
