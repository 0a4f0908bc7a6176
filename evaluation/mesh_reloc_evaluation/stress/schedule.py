"""Faults put into the footage: clean images, the fault for its time, clean images again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mesh_reloc_evaluation.stress.footage import Footage, Part, Shown
from mesh_reloc_evaluation.stress.image_faults import MakeEffect

Rng = np.random.Generator


@dataclass(frozen=True)
class Span:
    """How many images a case has before, in and after its fault, and where in the footage."""

    before: int
    fault: int
    after: int
    moment: float
    """0 to 1: at the beginning of the footage to at its end."""

    def first(self, length: int, total: int) -> int:
        """Return where `total` images in a row begin, of a footage of `length`."""
        return int(self.moment * (length - total + 1))


Maker = Callable[[Footage, Span, Rng], list[Shown]]
"""Makes the images of one case."""
Change = Callable[[Footage, int, float], Shown]
"""Makes the faulty image of one index; with how far the fault has got, 0 to 1."""


def span_of(
    footage: Footage, before_s: float, fault_s: float, after_s: float, moment: float
) -> Span:
    """Return a span of these times, each shortened alike where the footage is too short."""
    wanted = [footage.images_in(seconds) for seconds in (before_s, fault_s, after_s)]
    shorter = min(1.0, len(footage) / sum(wanted))
    before, fault, after = (max(int(shorter * count), 1) for count in wanted)
    return Span(before, fault, after, moment)


def in_place(make_change: Callable[[Rng], Change]) -> Maker:
    """Return what changes the images of the fault's time, and leaves them where they are."""

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        change = make_change(rng)
        first = span.first(len(footage), span.before + span.fault + span.after)
        begin = first + span.before
        end = begin + span.fault
        return [
            *(footage.shown(index, Part.BEFORE) for index in range(first, begin)),
            *(
                change(footage, index, (index - begin + 0.5) / span.fault)
                for index in range(begin, end)
            ),
            *(footage.shown(index, Part.AFTER) for index in range(end, end + span.after)),
        ]

    return make


def throughout(make_change: Callable[[Rng], Change]) -> Maker:
    """Return what changes every image of the footage."""

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        change = make_change(rng)
        return [change(footage, index, index / len(footage)) for index in range(len(footage))]

    return make


def of_image(make_effect: MakeEffect) -> Callable[[Rng], Change]:
    """Return the change that has an effect on the image and leaves all else as it was."""

    def make_change(rng: Rng) -> Change:
        effect = make_effect(rng)

        def change(footage: Footage, index: int, progress: float) -> Shown:
            shown = footage.shown(index, Part.FAULT)
            image = effect(shown.frame.image, progress)
            return replace(shown, frame=replace(shown.frame, image=image))

        return change

    return make_change
