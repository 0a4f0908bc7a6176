"""Where one frame was in its parent, over time."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from tf2_ros.exceptions import ExtrapolationException


@dataclass(frozen=True)
class Pose:
    """A rotation followed by a translation [3]; `a @ b` applies b first."""

    rotation: Rotation
    translation: NDArray[np.float64]

    def __matmul__(self, other: Pose) -> Pose:
        moved = self.rotation.apply(other.translation) + self.translation
        return Pose(self.rotation * other.rotation, moved)

    def inverse(self) -> Pose:
        """Return the pose that undoes this one."""
        back = self.rotation.inv()
        return Pose(back, -back.apply(self.translation))


IDENTITY = Pose(Rotation.identity(), np.zeros(3))


@dataclass(frozen=True)
class Link:
    """`parent_T_child` at `stamp`, in nanoseconds."""

    stamp: float
    parent: str
    pose: Pose


class StaticHistory:
    """A link that holds at all times."""

    latest = float('inf')

    def __init__(self) -> None:
        self._link: Link | None = None

    def insert(self, link: Link) -> None:
        """Replace the link."""
        self._link = Link(self.latest, link.parent, link.pose)

    def at(self, stamp: int) -> Link:
        """Return the link, whatever the time."""
        assert self._link is not None
        return self._link


class History:
    """Links by stamp, kept for `cache_time` nanoseconds before the latest."""

    def __init__(self, cache_time: int) -> None:
        self._cache_time = cache_time
        self._stamps: list[float] = []
        self._links: list[Link] = []

    @property
    def latest(self) -> float:
        """Stamp of the newest link."""
        return self._stamps[-1]

    def insert(self, link: Link) -> None:
        """Add a link, in any order; it replaces one of its stamp and is left out if too old."""
        place = bisect.bisect_left(self._stamps, link.stamp)
        replaced = slice(place, bisect.bisect_right(self._stamps, link.stamp))
        self._stamps[replaced] = [link.stamp]
        self._links[replaced] = [link]
        expired = bisect.bisect_left(self._stamps, self.latest - self._cache_time)
        del self._stamps[:expired], self._links[:expired]

    def at(self, stamp: int) -> Link:
        """Return the link at `stamp`, between two received ones if need be; 0 is the latest.

        :raises ExtrapolationException: `stamp` lies before the first link or after the last.
        """
        if stamp == 0:
            return self._links[-1]
        self._check_covers(stamp)
        place = bisect.bisect_right(self._stamps, stamp)
        before = self._links[place - 1]
        if before.stamp == stamp or before.parent != self._links[place].parent:
            return before
        return _between(before, self._links[place], stamp)

    def _check_covers(self, stamp: int) -> None:
        first, last = self._stamps[0], self._stamps[-1]
        if first <= stamp <= last:
            return
        if first == last:
            raise ExtrapolationException(
                f'Lookup would require extrapolation at time {stamp / 1e9:.6f},'
                f' but only time {last / 1e9:.6f} is in the buffer'
            )
        beyond = f'into the past.  Requested time {stamp / 1e9:.6f} but the earliest'
        if stamp > last:
            beyond = f'into the future.  Requested time {stamp / 1e9:.6f} but the latest'
        limit = last if stamp > last else first
        raise ExtrapolationException(
            f'Lookup would require extrapolation {beyond} data is at time {limit / 1e9:.6f}'
        )


def _between(before: Link, after: Link, stamp: int) -> Link:
    share = (stamp - before.stamp) / (after.stamp - before.stamp)
    ends = Rotation.concatenate([before.pose.rotation, after.pose.rotation])
    translation = (1 - share) * before.pose.translation + share * after.pose.translation
    return Link(stamp, before.parent, Pose(Slerp([0, 1], ends)(share), translation))
