"""Transforms between frames over time, as tf2 keeps and interpolates them, without ROS."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.types import Array

_CACHE_NS = 10_000_000_000
"""How long before the newest transform of a frame others are kept: the default of tf2."""


class TransformError(Exception):
    """There is no transform between two frames at a stamp; the text is one line."""


class _Link(NamedTuple):
    """Where a frame is in its parent."""

    parent: str
    parent_T_child: Array


@dataclass
class _History:
    """Where one frame was in its parent, by stamp."""

    stamps_ns: list[int] = field(default_factory=list)
    links: list[_Link] = field(default_factory=list)

    def insert(self, stamp_ns: int, link: _Link) -> None:
        """Add a link in any order; of two with one stamp the one added last counts."""
        if self.stamps_ns:
            oldest_ns = self.stamps_ns[-1] - _CACHE_NS
            expired = bisect.bisect_left(self.stamps_ns, oldest_ns)
            del self.stamps_ns[:expired], self.links[:expired]
            if stamp_ns < oldest_ns:
                return
        place = bisect.bisect_right(self.stamps_ns, stamp_ns)
        self.stamps_ns.insert(place, stamp_ns)
        self.links.insert(place, link)

    def at(self, stamp_ns: int) -> _Link | None:
        """Return the link at a stamp, interpolated; None outside of the known time."""
        if not self.stamps_ns or not self.stamps_ns[0] <= stamp_ns <= self.stamps_ns[-1]:
            return None
        place = bisect.bisect_right(self.stamps_ns, stamp_ns)
        before = self.links[place - 1]
        if self.stamps_ns[place - 1] == stamp_ns or before.parent != self.links[place].parent:
            return before
        begin_ns, end_ns = self.stamps_ns[place - 1 : place + 1]
        share = (stamp_ns - begin_ns) / (end_ns - begin_ns)
        return _Link(
            before.parent,
            _interpolated(before.parent_T_child, self.links[place].parent_T_child, share),
        )


class TransformBuffer:
    """Keeps the transforms of the last ten seconds, and chains them from frame to frame."""

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._static: dict[str, _Link] = {}

    def add(self, stamp_ns: int, parent: str, child: str, parent_T_child: Array) -> None:
        """Add a transform [4, 4] that holds at a stamp."""
        self._histories.setdefault(child, _History()).insert(
            stamp_ns, _Link(parent, parent_T_child)
        )

    def add_static(self, parent: str, child: str, parent_T_child: Array) -> None:
        """Add a transform [4, 4] that holds at all times."""
        self._static[child] = _Link(parent, parent_T_child)

    def clear(self) -> None:
        """Forget all transforms that are not static."""
        self._histories.clear()

    def lookup(self, target: str, source: str, stamp_ns: int) -> Array:
        """Return `target_T_source` [4, 4] at a stamp.

        Translations are interpolated linearly, rotations along the shortest arc (slerp).

        :raises TransformError: the frames are not connected at that stamp.
        """
        from_target, target_problem = self._climb(target, stamp_ns)
        from_source, source_problem = self._climb(source, stamp_ns)
        for frame, frame_T_source in from_source.items():
            if frame in from_target:
                return np.asarray(np.linalg.inv(from_target[frame]) @ frame_T_source)
        raise TransformError(
            source_problem or target_problem or f'{source} and {target} are not in one tree'
        )

    def _climb(self, frame: str, stamp_ns: int) -> tuple[dict[str, Array], str]:
        """Return `ancestor_T_frame` of all ancestors in their order, and what ended the way."""
        pose, found = np.eye(4), {frame: np.eye(4)}
        while frame in self._static or frame in self._histories:
            link = self._static.get(frame) or self._histories[frame].at(stamp_ns)
            if link is None:
                return found, f'{frame} has no transform at the stamp {stamp_ns * 1e-9:.3f}'
            if link.parent in found:
                return found, f'{frame} is in a loop of transforms'
            frame, pose = link.parent, link.parent_T_child @ pose
            found[frame] = pose
        return found, ''


def _interpolated(before: Array, after: Array, share: float) -> Array:
    """Return the pose [4, 4] that lies at a share of the way from one to another."""
    rotation = Rotation.from_matrix(before[:3, :3])
    turn = (rotation.inv() * Rotation.from_matrix(after[:3, :3])).as_rotvec()
    pose = np.eye(4)
    pose[:3, :3] = (rotation * Rotation.from_rotvec(share * turn)).as_matrix()
    pose[:3, 3] = (1 - share) * before[:3, 3] + share * after[:3, 3]
    return pose
