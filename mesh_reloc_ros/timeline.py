"""The stamps of images: their order, and how they lie to the clock."""

from __future__ import annotations

from enum import Enum, auto

_BACK_S = 1.0
_RUN_FAR_BACK, _RUN = 2, 10
"""So many images in order, but older than the last, are of a time that began anew: those that are
older by more than a second, and others. A single one was late."""
_AHEAD_S = 0.5
_BEHIND_S = 30.0
_TOO_FAR_AHEAD_S = 5.0


class Order(Enum):
    """How an image's stamp lies to those before."""

    NEXT = auto()
    STALE = auto()
    """Not newer than the last: it came late, or twice."""
    BACK = auto()
    """Time has gone back, as when a bag loops or is wound back."""


class Stamps:
    """Follows the stamps of images."""

    def __init__(self) -> None:
        self.last_ns: int | None = None
        """Of the last image that was taken."""
        self._stale_ns: list[int] = []

    def take(self, stamp_ns: int) -> Order:
        """Return how an image's stamp lies to those before; what is stale is left out."""
        if self.last_ns is not None and stamp_ns <= self.last_ns:
            if not self._goes_on_in_the_past(stamp_ns, self.last_ns):
                return Order.STALE
            self.last_ns, self._stale_ns = stamp_ns, []
            return Order.BACK
        self.last_ns, self._stale_ns = stamp_ns, []
        return Order.NEXT

    def _goes_on_in_the_past(self, stamp_ns: int, last_ns: int) -> bool:
        """Whether so many images in a row are in order, but before the last."""
        if self._stale_ns and stamp_ns <= self._stale_ns[-1]:
            self._stale_ns = []
        self._stale_ns.append(stamp_ns)
        is_far = last_ns - stamp_ns > _BACK_S * 1e9
        return len(self._stale_ns) >= (_RUN_FAR_BACK if is_far else _RUN)


def is_live(stamp_ns: int, now_ns: int, is_simulated: bool) -> bool:
    """Whether an image comes from a camera, not from a recording, as far as stamps can tell."""
    return not is_simulated and abs(stamp_ns - now_ns) < _BEHIND_S * 1e9


def is_far_ahead(stamp_ns: int, now_ns: int) -> bool:
    """Whether a stamp is so far ahead of the clock that TF must not get it.

    Whoever listens would drop what comes at the right time after it, as out of date.
    """
    return now_ns > 0 and stamp_ns > now_ns + _TOO_FAR_AHEAD_S * 1e9


def clock_problem(stamp_ns: int, now_ns: int, is_simulated: bool) -> str:
    """Return what is wrong between the images' stamps and the node's clock, '' where all is well.

    Poses are right all the same, but who looks them up in TF by the clock will not find them.
    """
    if is_simulated and now_ns == 0:
        return (
            'use_sim_time is set, but no time comes on /clock: play the bag with --clock, or set'
            ' use_sim_time to false'
        )
    if stamp_ns > now_ns + _AHEAD_S * 1e9:
        if is_simulated:
            return "the images' stamps are ahead of /clock: is their bag the one that /clock is of?"
        return (
            "the images' stamps are ahead of this machine's clock: synchronize the clocks of both"
            ' machines (chrony), or set use_sim_time where a simulation or bag gives the time'
        )
    if stamp_ns < now_ns - _BEHIND_S * 1e9 and not is_simulated:
        return (
            "the images' stamps are long past: where a bag is played, set use_sim_time and play it"
            ' with --clock; else have the driver stamp images by the clock'
        )
    return ''
