"""Faults in the order and time of images that are themselves clean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mesh_reloc_evaluation.stress.footage import Footage, Part, Shown
from mesh_reloc_evaluation.stress.schedule import Maker, Rng, Span


def kidnap(seconds: float, *, back: bool = False) -> Maker:
    """Jump to where the camera was so long before or after; with `back`, and back again.

    The stamps go on as if nothing had happened.
    """

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        length = len(footage)
        there = span.fault if back else span.after
        here = span.before + (span.fault + span.after if back else 0)
        jump = min(footage.images_in(seconds), length - min(there + span.before, here))
        # Where the case may begin so that both places are within the footage, by direction.
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
        order = [(first + k, Part.BEFORE) for k in range(span.before)]
        order += [(target + k, Part.FAULT if back else Part.AFTER) for k in range(there)]
        if back:
            order += [(first + k, Part.AFTER) for k in range(span.before + span.fault, here)]
        return _at_rate(footage, order)

    return make


def gap(missing_s: float, stamped_s: float) -> Maker:
    """Leave out the images of some time.

    :param missing_s: of the footage: how long the camera has moved on. :param stamped_s: by the
        stamps.
    """

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        missing = round(missing_s * 1e9 / footage.period_ns)
        missing = min(missing, len(footage) - span.before - span.after)
        first = span.first(len(footage), span.before + missing + span.after)
        begin = first + span.before
        later = round(stamped_s * 1e9) - missing * footage.period_ns
        return [
            *(footage.shown(index, Part.BEFORE) for index in range(first, begin)),
            *(
                footage.shown(index, Part.AFTER, footage.frames[index].stamp_ns + later)
                for index in range(begin + missing, begin + missing + span.after)
            ),
        ]

    return make


def frozen(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
    """Show the same image again and again under new stamps, while the camera moves on."""
    first = span.first(len(footage), span.before + span.fault + span.after)
    begin = first + span.before
    end = begin + span.fault
    return [
        *(footage.shown(index, Part.BEFORE) for index in range(first, begin)),
        *(
            footage.shown(begin - 1, Part.FAULT, footage.frames[index].stamp_ns)
            for index in range(begin, end)
        ),
        *(footage.shown(index, Part.AFTER) for index in range(end, end + span.after)),
    ]


def reordered(order_of: Callable[[int], list[int]]) -> Maker:
    """Show images in another order, under their own stamps.

    :param order_of: from the number of images in the fault to their order.
    """

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        first = span.first(len(footage), span.before + span.fault + span.after)
        begin = first + span.before
        end = begin + span.fault
        return [
            *(footage.shown(index, Part.BEFORE) for index in range(first, begin)),
            *(footage.shown(begin + k, Part.FAULT) for k in order_of(span.fault)),
            *(footage.shown(index, Part.AFTER) for index in range(end, end + span.after)),
        ]

    return make


def swapped(count: int) -> list[int]:
    """Return the order in which each two neighbours have changed places."""
    return [k ^ 1 if k ^ 1 < count else k for k in range(count)]


def backward(count: int) -> list[int]:
    """Return the reverse order."""
    return list(range(count))[::-1]


def repeated(count: int) -> list[int]:
    """Return each image three times, in order."""
    return [k for k in range(count) for _ in range(3)]


def again(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
    """Play a part, then the same part again with the same stamps, as a bag that loops."""
    total = max(span.before + span.fault, span.after)
    first = span.first(len(footage), total)
    return [
        *(
            footage.shown(index, Part.BEFORE)
            for index in range(first, first + span.before + span.fault)
        ),
        *(footage.shown(index, Part.AFTER) for index in range(first, first + span.after)),
    ]


def stamps_off(late_s: float, jitter_s: float) -> Maker:
    """Make stamps late by a time, and by random ones of this deviation."""

    def make(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
        first = span.first(len(footage), span.before + span.fault + span.after)
        shown = []
        for k in range(span.before + span.fault + span.after):
            part = Part.BEFORE if k < span.before else Part.FAULT
            part = Part.AFTER if k >= span.before + span.fault else part
            late_ns = round(1e9 * (late_s + rng.normal() * jitter_s)) if part is Part.FAULT else 0
            stamp_ns = footage.frames[first + k].stamp_ns + late_ns
            shown.append(footage.shown(first + k, part, stamp_ns))
        return shown

    return make


def _at_rate(footage: Footage, order: list[tuple[int, Part]]) -> list[Shown]:
    """Return images stamped one period after the other."""
    begin_ns = footage.frames[order[0][0]].stamp_ns
    stamps = begin_ns + footage.period_ns * np.arange(len(order), dtype=np.int64)
    return [
        footage.shown(index, part, int(stamp_ns))
        for (index, part), stamp_ns in zip(order, stamps, strict=True)
    ]
