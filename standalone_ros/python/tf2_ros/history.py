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

    stamp: int
    parent: str
    pose: Pose


class StaticHistory:
    """A link that holds at all times."""

    def __init__(self) -> None:
        self._link: Link | None = None

    def newest(self) -> Link | None:
        """Return the link, with the stamp 0."""
        return self._link

    def insert(self, link: Link) -> bool:
        """Replace the link."""
        self._link = Link(0, link.parent, link.pose)
        return True

    def clear(self) -> None:
        """Keep the link: what never changes does not depend on the time."""

    def at(self, stamp: int) -> Link:
        """Return the link, whatever the time."""
        assert self._link is not None
        return self._link


class History:
    """Links by stamp, kept for `cache_time` nanoseconds before the latest."""

    def __init__(self, cache_time: int) -> None:
        self._cache_time = cache_time
        self._stamps: list[int] = []
        self._links: list[Link] = []

    def newest(self) -> Link | None:
        """Return the link with the latest stamp, if there is any."""
        return self._links[-1] if self._links else None

    def insert(self, link: Link) -> bool:
        """Add a link, in any order; of one stamp the last added counts.

        What is too old is dropped before, so that a link outlives its time until the next is added.

        :returns: whether it is not too old itself.
        """
        if self._links:
            oldest = self._stamps[-1] - self._cache_time
            expired = bisect.bisect_left(self._stamps, oldest)
            del self._stamps[:expired], self._links[:expired]
            if link.stamp < oldest:
                return False
        place = bisect.bisect_right(self._stamps, link.stamp)
        self._stamps.insert(place, link.stamp)
        self._links.insert(place, link)
        return True

    def clear(self) -> None:
        """Forget all links."""
        self._stamps.clear()
        self._links.clear()

    def at(self, stamp: int) -> Link:
        """Return the link at `stamp`, between two received ones if need be; 0 is the latest.

        :raises ExtrapolationException: `stamp` lies before the first link or after the last.
        """
        self._check_covers(stamp)
        if stamp in (0, self._stamps[-1]):
            return self._links[-1]
        if stamp == self._stamps[0]:
            return self._links[0]
        place = bisect.bisect_right(self._stamps, stamp)
        before, after = self._links[place - 1], self._links[place]
        if before.stamp == stamp or before.parent != after.parent:
            return before
        return _between(before, after, stamp)

    def _check_covers(self, stamp: int) -> None:
        first, last = (self._stamps[0], self._stamps[-1]) if self._stamps else (0, 0)
        if self._stamps and (stamp == 0 or first <= stamp <= last):
            return
        if len(self._stamps) < 2:
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
