"""Out-of-map images given to a tracker in each of its states; it must localize none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mesh_reloc_evaluation.out_of_map.images import NumberedImage
from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.case_result import ImageResult
from mesh_reloc_evaluation.stress.case_run import ImageTracker, MakeTracker, one_by_one
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged
from mesh_reloc_ros.types.estimate import State

# Clean images until a new tracker tracks, and at most until it tracks again after an image.
_SETTLING, _RETURNING = 4, 12
# Black images until a tracker is lost.
_BLACK = 40
# Time between two images while the tracker searches, so that it searches in each of them.
_APART_NS = 1_000_000_000


@dataclass
class OutOfMapResult:
    """The answers to out-of-map images in one state of the tracker."""

    state: str
    shown: Counter[str] = field(default_factory=Counter)
    """Number of images by kind."""
    localized: list[str] = field(default_factory=list)
    """Images for which a pose was published, as `kind number`."""
    work_s: list[float] = field(default_factory=list)
    """Work time of each image; see `ImageResult`."""

    def as_json(self) -> dict[str, Any]:
        """Return what is written about the state."""
        return {
            'shown': sum(self.shown.values()),
            'by_kind': dict(self.shown),
            'localized': self.localized,
            'work_s': self.work_s,
        }


def run_out_of_map(
    state: str,
    images: Iterable[NumberedImage],
    sequence: PosedSequence,
    make_tracker: MakeTracker,
) -> OutOfMapResult:
    """Give out-of-map images to a tracker in one state.

    :param state: `starting` (without a pose), `tracking` or `lost`.
    """
    result = OutOfMapResult(state)
    source = _TrackerInState(sequence, make_tracker, state)
    for number, kind, image in images:
        answer = source.answer(source.tracker(), source.as_next(image))
        result.shown[kind] += 1
        result.work_s.append(answer.work_s)
        if answer.trusted:
            result.localized.append(f'{kind} {number}')
            source.reset()
    return result


class _TrackerInState:
    """Provides a tracker in the wanted state, and images in the order of their stamps."""

    def __init__(self, sequence: PosedSequence, make_tracker: MakeTracker, state: str) -> None:
        self._sequence = sequence
        self._make_tracker = make_tracker
        self._state = state
        self._index = 0
        self._stamp_ns = sequence.frames[0].stamp_ns
        self._tracker: ImageTracker | None = None

    def reset(self) -> None:
        """Use a new tracker for the next image."""
        self._tracker = None

    def tracker(self) -> ImageTracker:
        """Return a tracker in the wanted state."""
        if self._tracker is not None and self._state == 'tracking' and not self._tracks_again():
            self._tracker = None
        if self._tracker is None:
            self._tracker = self._new_tracker()
        return self._tracker

    def as_next(self, image: Image) -> StressImage:
        """Return an out-of-map image as the next image of the camera."""
        if self._state != 'tracking':
            self._stamp_ns += _APART_NS
        frame = self._next().frame
        return StressImage(replace(frame, image=image), None, Phase.FAULT)

    def answer(self, tracker: ImageTracker, image: StressImage) -> ImageResult:
        """Give the tracker an image and return its answer."""
        (result,) = one_by_one(tracker, [image])
        return result

    def _new_tracker(self) -> ImageTracker:
        if self._state == 'starting':
            return self._make_tracker(None)
        if self._index + _SETTLING + _RETURNING >= len(self._sequence):
            self._index = 0
        tracker = self._make_tracker(self._sequence.poses[self._index])
        for _ in range(_SETTLING):
            self.answer(tracker, self._next())
        if self._state == 'lost':
            for _ in range(_BLACK):
                image = self._next()
                black = replace(image.frame, image=np.zeros_like(image.frame.image))
                if self.answer(tracker, replace(image, frame=black)).state == State.LOST.value:
                    break
        return tracker

    def _tracks_again(self) -> bool:
        """Give the tracker clean images until it tracks; return whether it does."""
        assert self._tracker is not None
        if self._index + _RETURNING >= len(self._sequence):
            return False
        return any(self.answer(self._tracker, self._next()).trusted for _ in range(_RETURNING))

    def _next(self) -> StressImage:
        """Return the next image of the sequence, which repeats with increasing stamps."""
        index = self._index % len(self._sequence)
        image = unchanged(self._sequence, index, Phase.BEFORE, self._stamp_ns)
        self._index += 1
        self._stamp_ns += self._sequence.period_ns
        return image
