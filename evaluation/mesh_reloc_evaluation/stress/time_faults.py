"""Faults in the order and the stamps of clean images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.schedule import MakeImages, Rng, Span
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged


def kidnap(seconds: float, *, back: bool = False) -> MakeImages:
    """Move the camera to where it was some time earlier or later, while the stamps continue.

    :param seconds: that time. :param back: whether the camera returns after the fault.
    """

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        length = len(sequence)
        there = span.fault if back else span.after
        here = span.before + (span.fault + span.after if back else 0)
        jump = min(sequence.images_in(seconds), length - min(there + span.before, here))
        # First indices at which both places are within the sequence, by direction of the jump.
        ranges = {
            1: range(min(length - here, length - there - span.before - jump) + 1),
            -1: range(
                max(jump - span.before, 0),
                min(length - here, length - there - span.before + jump) + 1,
            ),
        }
        sign = rng.choice([sign for sign, firsts in ranges.items() if len(firsts)])
        firsts = ranges[int(sign)]
        first = firsts[int(span.moment * len(firsts))]
        target = first + span.before + sign * jump
        order = [(first + k, Phase.BEFORE) for k in range(span.before)]
        order += [(target + k, Phase.FAULT if back else Phase.AFTER) for k in range(there)]
        if back:
            order += [(first + k, Phase.AFTER) for k in range(span.before + span.fault, here)]
        return _at_rate(sequence, order)

    return make


def gap(missing_s: float, stamped_s: float) -> MakeImages:
    """Leave out images.

    :param missing_s: duration of the images left out: how long the camera moves meanwhile.
    :param stamped_s: duration of the gap by the stamps.
    """

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        missing = round(missing_s * 1e9 / sequence.period_ns)
        missing = min(missing, len(sequence) - span.before - span.after)
        first = span.first(len(sequence), span.before + missing + span.after)
        begin = first + span.before
        later = round(stamped_s * 1e9) - missing * sequence.period_ns
        return [
            *(unchanged(sequence, index, Phase.BEFORE) for index in range(first, begin)),
            *(
                unchanged(sequence, index, Phase.AFTER, sequence.frames[index].stamp_ns + later)
                for index in range(begin + missing, begin + missing + span.after)
            ),
        ]

    return make


def frozen(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
    """Repeat the same image with new stamps, while the camera moves on."""
    first = span.first(len(sequence), span.before + span.fault + span.after)
    begin = first + span.before
    end = begin + span.fault
    return [
        *(unchanged(sequence, index, Phase.BEFORE) for index in range(first, begin)),
        *(
            unchanged(sequence, begin - 1, Phase.FAULT, sequence.frames[index].stamp_ns)
            for index in range(begin, end)
        ),
        *(unchanged(sequence, index, Phase.AFTER) for index in range(end, end + span.after)),
    ]


def reordered(order_of: Callable[[int], list[int]]) -> MakeImages:
    """Give the images of the fault in another order, with their own stamps.

    :param order_of: returns the order of a number of images.
    """

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        first = span.first(len(sequence), span.before + span.fault + span.after)
        begin = first + span.before
        end = begin + span.fault
        return [
            *(unchanged(sequence, index, Phase.BEFORE) for index in range(first, begin)),
            *(unchanged(sequence, begin + k, Phase.FAULT) for k in order_of(span.fault)),
            *(unchanged(sequence, index, Phase.AFTER) for index in range(end, end + span.after)),
        ]

    return make


def swapped(count: int) -> list[int]:
    """Return an order in which pairs of neighbours are swapped."""
    return [k ^ 1 if k ^ 1 < count else k for k in range(count)]


def backward(count: int) -> list[int]:
    """Return the reverse order."""
    return list(range(count))[::-1]


def repeated(count: int) -> list[int]:
    """Return an order with each image three times."""
    return [k for k in range(count) for _ in range(3)]


def played_again(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
    """Play a part twice, with the same stamps, as a bag that loops does."""
    total = max(span.before + span.fault, span.after)
    first = span.first(len(sequence), total)
    return [
        *(
            unchanged(sequence, index, Phase.BEFORE)
            for index in range(first, first + span.before + span.fault)
        ),
        *(unchanged(sequence, index, Phase.AFTER) for index in range(first, first + span.after)),
    ]


def stamps_off(late_s: float, jitter_s: float) -> MakeImages:
    """Delay stamps by a constant time and by random times of this standard deviation."""

    def make(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
        first = span.first(len(sequence), span.before + span.fault + span.after)
        shown = []
        for k in range(span.before + span.fault + span.after):
            phase = Phase.BEFORE if k < span.before else Phase.FAULT
            phase = Phase.AFTER if k >= span.before + span.fault else phase
            late_ns = round(1e9 * (late_s + rng.normal() * jitter_s)) if phase is Phase.FAULT else 0
            stamp_ns = sequence.frames[first + k].stamp_ns + late_ns
            shown.append(unchanged(sequence, first + k, phase, stamp_ns))
        return shown

    return make


def _at_rate(sequence: PosedSequence, order: list[tuple[int, Phase]]) -> list[StressImage]:
    """Return images with stamps one period apart."""
    begin_ns = sequence.frames[order[0][0]].stamp_ns
    stamps = begin_ns + sequence.period_ns * np.arange(len(order), dtype=np.int64)
    return [
        unchanged(sequence, index, phase, int(stamp_ns))
        for (index, phase), stamp_ns in zip(order, stamps, strict=True)
    ]
