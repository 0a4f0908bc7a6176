"""Alignment with less while images come faster than they can be tracked."""

from __future__ import annotations

import dataclasses
from collections import deque
from statistics import median
from typing import NamedTuple

from mesh_reloc_ros.config.pipeline import Settings

# Number of images that the load is judged by, and of those before, at the start of a track: the
# first takes long, and images that came meanwhile are dropped.
_WINDOW, _FIRST = 6, 2
# The load is high if more than this share of the images is dropped.
_MUCH = 0.25
# It is high at once if an image took as long as this, and so many times its processor time.
_LONG_S, _STARVED = 0.2, 2.5
# It is high no more if none is dropped, and an image takes less than this share of the interval
# between two. With all points it takes about twice as long.
_LITTLE = 0.5
# What is saved: levels, points (divided by this) and keyframes (whose motion is multiplied).
_COARSER, _FEWER_POINTS, _LONGER = 1, 4, 2
_COARSEST_LEVEL, _FEWEST_POINTS, _MOST_MOTION = 3, 600, 0.2


class _Tracked(NamedTuple):
    """An image that was tracked."""

    stamp_ns: int
    work_s: float
    dropped: int
    """Images dropped since the last."""


class Load:
    """Judges whether images come faster than they can be tracked. One thread calls all methods."""

    def __init__(self) -> None:
        self._images: deque[_Tracked] = deque(maxlen=_WINDOW)
        self._since_start = 0
        self._settings: tuple[Settings, Settings] | None = None
        self.is_high = False
        """Whether images are to be aligned with less."""

    def note(self, stamp_ns: int, work_s: float, processor_s: float, dropped: int) -> None:
        """Take note of an image that was tracked.

        :param work_s: how long it took. :param processor_s: its processor time.
        :param dropped: images dropped since the last.
        """
        if work_s > max(_LONG_S, _STARVED * processor_s):
            self._turn(True)
        self._since_start += 1
        if self._since_start > _FIRST:
            self._images.append(_Tracked(stamp_ns, work_s, dropped))
        if len(self._images) < _WINDOW:
            return
        all_dropped = sum(image.dropped for image in self._images)
        if not self.is_high:
            self._turn(all_dropped > _MUCH * (_WINDOW + all_dropped))
        elif not all_dropped:
            passed_s = 1e-9 * (self._images[-1].stamp_ns - self._images[0].stamp_ns)
            work_s = median(image.work_s for image in self._images)
            self._turn(not 0 < work_s < _LITTLE * passed_s / (_WINDOW - 1))

    def forget(self) -> None:
        """Judge by the next track: the last has ended."""
        self._images.clear()
        self._since_start = 0

    def _turn(self, is_high: bool) -> None:
        if is_high != self.is_high:
            self.is_high = is_high
            self._images.clear()

    def settings(self, settings: Settings) -> Settings:
        """Return the settings to track the next image with, always the same object for each."""
        if not self.is_high:
            return settings
        if self._settings is None or self._settings[0] is not settings:
            self._settings = settings, _reduced(settings)
        return self._settings[1]


def _reduced(settings: Settings) -> Settings:
    alignment = settings.alignment
    less = dataclasses.replace(
        alignment,
        finest_level=min(alignment.finest_level + _COARSER, _COARSEST_LEVEL),
        max_points=min(
            alignment.max_points, max(alignment.max_points // _FEWER_POINTS, _FEWEST_POINTS)
        ),
        keyframe_motion=max(
            alignment.keyframe_motion, min(_LONGER * alignment.keyframe_motion, _MOST_MOTION)
        ),
    )
    return dataclasses.replace(settings, alignment=less)
