"""Foreign images shown to a tracker in each of its states; none must be localized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mesh_reloc_evaluation.out_of_map.images import Foreign
from mesh_reloc_evaluation.stress.footage import Footage, Image, Part, Shown
from mesh_reloc_evaluation.stress.judge import Judged, MakeTracker, TracksImages, one_by_one
from mesh_reloc_ros.types.estimate import State

# Clean images until a tracker tracks, and at most how many until it is back after a foreign one.
_SETTLING, _RETURNING = 4, 12
# Black images that make a tracker lost.
_BLACK = 40
# Between two images for a search: so far apart that each is searched for.
_APART_NS = 1_000_000_000


@dataclass
class ForeignResult:
    """What became of foreign images in one state of the tracker."""

    state: str
    shown: Counter[str] = field(default_factory=Counter)
    """How many, by kind."""
    localized: list[str] = field(default_factory=list)
    """Those whose pose was published, as `kind number`."""
    work_s: list[float] = field(default_factory=list)
    """Wall time of each."""

    def figures(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            'shown': sum(self.shown.values()),
            'by_kind': dict(self.shown),
            'localized': self.localized,
            'work_s': self.work_s,
        }


def run_foreign(
    state: str,
    images: Iterable[tuple[int, str, Image]],
    footage: Footage,
    make_tracker: MakeTracker,
) -> ForeignResult:
    """Show foreign images (number, kind, image) to a tracker that is in a state.

    :param state: `starting`, from nothing; `tracking`; or `lost`.
    """
    result = ForeignResult(state)
    showing = _Showing(footage, make_tracker, state)
    for number, kind, image in images:
        answer = showing.answer(showing.tracker(), showing.foreign(image))
        result.shown[kind] += 1
        result.work_s.append(answer.work_s)
        if answer.trusted:
            result.localized.append(f'{kind} {number}')
            showing.forget()
    return result


def numbered(foreign: Foreign, count: int) -> Iterator[tuple[int, str, Image]]:
    """Yield so many foreign images with number and kind."""
    for number in range(count):
        yield number, *foreign.image(number)


class _Showing:
    """Keeps a tracker in the wanted state."""

    def __init__(self, footage: Footage, make_tracker: MakeTracker, state: str) -> None:
        self._footage = footage
        self._make_tracker = make_tracker
        self._state = state
        self._index = 0
        self._stamp_ns = footage.frames[0].stamp_ns
        self._tracker: TracksImages | None = None

    def forget(self) -> None:
        """Take another tracker for the next image."""
        self._tracker = None

    def tracker(self) -> TracksImages:
        """Return a tracker in the wanted state."""
        if self._tracker is not None and self._state == 'tracking' and not self._follows():
            self._tracker = None
        if self._tracker is None:
            self._tracker = self._fresh()
        return self._tracker

    def foreign(self, image: Image) -> Shown:
        """Return a foreign image as the next one of the camera."""
        if self._state != 'tracking':
            self._stamp_ns += _APART_NS
        frame = self._next().frame
        return Shown(replace(frame, image=image), None, Part.FAULT)

    def answer(self, tracker: TracksImages, shown: Shown) -> Judged:
        """Show the tracker an image and return its answer."""
        (answer,) = one_by_one(tracker, [shown])
        return answer

    def _fresh(self) -> TracksImages:
        if self._state == 'starting':
            return self._make_tracker(None)
        if self._index + _SETTLING + _RETURNING >= len(self._footage):
            self._index = 0
        tracker = self._make_tracker(self._footage.poses[self._index])
        for _ in range(_SETTLING):
            self.answer(tracker, self._next())
        if self._state == 'lost':
            for _ in range(_BLACK):
                shown = self._next()
                black = replace(shown.frame, image=np.zeros_like(shown.frame.image))
                if self.answer(tracker, replace(shown, frame=black)).state == State.LOST.value:
                    break
        return tracker

    def _follows(self) -> bool:
        """Show the tracker clean images until it tracks; return whether it does."""
        assert self._tracker is not None
        if self._index + _RETURNING >= len(self._footage):
            return False
        return any(self.answer(self._tracker, self._next()).trusted for _ in range(_RETURNING))

    def _next(self) -> Shown:
        """Return the next image of the footage, which begins again when it ends."""
        shown = self._footage.shown(self._index % len(self._footage), Part.BEFORE, self._stamp_ns)
        self._index += 1
        self._stamp_ns += self._footage.period_ns
        return shown
