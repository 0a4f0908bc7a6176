"""When a fault occurs: clean images, the fault for some time, clean images again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.image_faults import MakeEffect
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged

Rng = np.random.Generator


@dataclass(frozen=True)
class Span:
    """The number of images before, in and after a fault, and where it occurs in the sequence."""

    before: int
    fault: int
    after: int
    moment: float
    """0 to 1: from the beginning of the sequence to its end."""

    def first(self, length: int, total: int) -> int:
        """Return the index at which `total` images begin, in a sequence of `length` images."""
        return int(self.moment * (length - total + 1))


MakeImages = Callable[[PosedSequence, Span, Rng], list[StressImage]]
"""Makes the images of a case."""
Change = Callable[[PosedSequence, int, float], StressImage]
"""Makes the faulty image of an index; the number is the progress of the fault, 0 to 1."""


def span_of(
    sequence: PosedSequence, before_s: float, fault_s: float, after_s: float, moment: float
) -> Span:
    """Return a span of these times, all shortened by the same factor if the sequence is short."""
    wanted = [sequence.images_in(seconds) for seconds in (before_s, fault_s, after_s)]
    scale = min(1.0, len(sequence) / sum(wanted))
    before, fault, after = (max(int(scale * count), 1) for count in wanted)
    return Span(before, fault, after, moment)


def during_fault(make_change: Callable[[Rng], Change]) -> MakeImages:
    """Return a maker that changes the images of the fault and leaves their order and stamps."""

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        change = make_change(rng)
        first = span.first(len(sequence), span.before + span.fault + span.after)
        begin = first + span.before
        end = begin + span.fault
        return [
            *(unchanged(sequence, index, Phase.BEFORE) for index in range(first, begin)),
            *(
                change(sequence, index, (index - begin + 0.5) / span.fault)
                for index in range(begin, end)
            ),
            *(unchanged(sequence, index, Phase.AFTER) for index in range(end, end + span.after)),
        ]

    return make


def throughout(make_change: Callable[[Rng], Change]) -> MakeImages:
    """Return a maker that changes every image of the sequence."""

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        change, count = make_change(rng), len(sequence)
        return [change(sequence, index, index / count) for index in range(count)]

    return make


def of_image(make_effect: MakeEffect) -> Callable[[Rng], Change]:
    """Return a change that applies an effect to the image alone."""

    def make_change(rng: Rng) -> Change:
        effect = make_effect(rng)

        def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
            shown = unchanged(sequence, index, Phase.FAULT)
            image = effect(shown.frame.image, progress)
            return replace(shown, frame=replace(shown.frame, image=image))

        return change

    return make_change
