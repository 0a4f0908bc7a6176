"""All faults, at their strengths, and the cases made of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mesh_reloc_evaluation.stress import camera_faults, image_faults, time_faults
from mesh_reloc_evaluation.stress.footage import Footage, Part, Shown
from mesh_reloc_evaluation.stress.image_faults import MakeEffect
from mesh_reloc_evaluation.stress.schedule import (
    Change,
    Maker,
    Rng,
    Span,
    in_place,
    of_image,
    span_of,
    throughout,
)
from mesh_reloc_ros.errors import InputError

BEFORE_S, AFTER_S = 0.34, 1.34
"""Clean images before a fault, and after it: long enough to see a recovery within a second."""
_FAULT_S = 0.5
MOMENTS = 2
"""How often a fault of each strength occurs, at different places of the footage."""
STARTS, _STARTS_QUICK = 30, 3
"""Images at which the tracker is started from nothing."""
# How long it may search.
_START_S = 2.0
# Multiples of it, modulo 1, are spread evenly however many there are.
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Strength:
    """One strength of a fault."""

    label: str
    make: Maker
    seconds: float = _FAULT_S


@dataclass(frozen=True)
class Fault:
    """A fault at its strengths."""

    name: str
    strengths: tuple[Strength, ...]
    lasting: bool = False
    """It lasts for the whole footage, and so has no place in it."""
    from_nothing: bool = False
    """The tracker is given no start pose."""


@dataclass(frozen=True)
class Case:
    """A fault of one strength at one moment."""

    fault: str
    strength: str
    number: int
    """Within the fault, from 1."""
    from_nothing: bool
    make: Callable[[], list[Shown]]

    @property
    def name(self) -> str:
        """As `--faults` takes it."""
        return f'{self.fault}:{self.number}'


def _image(label: str, effect: MakeEffect, seconds: float = _FAULT_S) -> Strength:
    return Strength(label, in_place(of_image(effect)), seconds)


def _lasting(name: str, **changes: Callable[[Rng], Change]) -> Fault:
    return Fault(
        name,
        tuple(Strength(label, throughout(change)) for label, change in changes.items()),
        lasting=True,
    )


def _clean(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
    return [footage.shown(index, Part.BEFORE) for index in range(len(footage))]


def _start(footage: Footage, span: Span, rng: Rng) -> list[Shown]:
    first = int(span.moment * max(len(footage) - footage.images_in(_START_S / 2), 1))
    last = min(first + footage.images_in(_START_S), len(footage) - 1)
    return [footage.shown(index, Part.AFTER) for index in range(first, last + 1)]


def _faults() -> tuple[Fault, ...]:
    i, c, t = image_faults, camera_faults, time_faults
    return (
        Fault('clean', (Strength('as filmed', _clean),), lasting=True),
        Fault('start', (Strength('from nothing', _start),), from_nothing=True),
        Fault('black', tuple(_image(f'{s:g} s', i.black(), s) for s in (0.1, 0.5, 2.0))),
        Fault('covered', tuple(_image(f'{s:.0%}', i.covered(s)) for s in (0.5, 0.75))),
        Fault('occluder', tuple(_image(f'{s:.0%}', i.occluder(s), 1.0) for s in (0.2, 0.45, 0.7))),
        Fault(
            'kidnap',
            (
                *(Strength(f'{s:g} s away', t.kidnap(s)) for s in (0.7, 1.5, 3.0)),
                *(Strength(f'{s:g} s and back', t.kidnap(s, back=True)) for s in (1.5, 3.0)),
            ),
        ),
        Fault(
            'gap',
            (
                *(Strength(f'{s:g} s', t.gap(s, s)) for s in (1.0, 2.0, 3.0)),
                Strength('5 s, moved 3 s', t.gap(3.0, 5.0)),
                Strength('5 s, at rest', t.gap(0.0, 5.0)),
            ),
        ),
        Fault('frozen', tuple(Strength(f'{s:g} s', t.frozen, s) for s in (0.3, 1.0, 2.0))),
        Fault(
            'order',
            (
                Strength('swapped', t.reordered(t.swapped)),
                Strength('reversed', t.reordered(t.backward)),
                Strength('repeated', t.reordered(t.repeated)),
                Strength('played again', t.again),
            ),
        ),
        Fault(
            'stamps',
            (
                Strength('jitter 10 ms', t.stamps_off(0.0, 0.01)),
                Strength('0.3 s late', t.stamps_off(0.3, 0.0)),
            ),
        ),
        Fault('motion-blur', tuple(_image(f'{n} px', i.motion_blur(n)) for n in (15, 40, 80))),
        Fault('defocus', tuple(_image(f'{r} px', i.defocus(r)) for r in (4, 10, 25))),
        Fault('exposure', tuple(_image(label, i.exposure(f)) for label, f in _EXPOSURES)),
        Fault('gamma', tuple(_image(f'{g:g}', i.gamma(g)) for g in (0.4, 2.5))),
        Fault('light', tuple(_image(f'to {s:.0%}', i.one_light_gone(s)) for s in (0.3, 0.1, 0.0))),
        Fault(
            'mirrored',
            (
                Strength('left-right', in_place(c.mirrored(1))),
                Strength('up-down', in_place(c.mirrored(0))),
            ),
        ),
        Fault(
            'rolled',
            tuple(Strength(f'{90 * n} deg', in_place(c.rolled(n))) for n in (1, 2, 3)),
        ),
        Fault(
            'elsewhere',
            (
                Strength('one image', in_place(c.elsewhere(changing=False))),
                Strength('many', in_place(c.elsewhere(changing=True))),
            ),
        ),
        _lasting('noise', **{f'{s} of 255': of_image(i.noise(s)) for s in (15, 30, 60)}),
        _lasting('jpeg', **{f'quality {q}': of_image(i.jpeg(q)) for q in (10, 4)}),
        _lasting(
            'shutter', **{f'{r:.0%} of a period': c.rolling_shutter(r) for r in (0.5, 1.0, 3.0)}
        ),
        _lasting(
            'intrinsics',
            **{
                'focal +5%': c.wrong_intrinsics(focal=1.05),
                'focal -5%': c.wrong_intrinsics(focal=0.95),
                'centre x +5%': c.wrong_intrinsics(x=0.05),
                'centre y -5%': c.wrong_intrinsics(y=-0.05),
            },
        ),
    )


_EXPOSURES = (('2x', 2.0), ('1/2x', 0.5), ('4x', 4.0), ('1/4x', 0.25))

FAULTS = {fault.name: fault for fault in _faults()}


def make_cases(
    footage: Footage, chosen: str = '', moments: int = MOMENTS, *, quick: bool = False
) -> list[Case]:
    """Return the cases of all faults, or of those chosen.

    :param chosen: names of faults with commas between them, or of single cases, as `kidnap:3`.
    :param moments: how often each strength occurs; the first ones are the same with more.
    :param quick: a single moment and few starts.
    :raises InputError: there is no such fault or case.
    """
    moments = 1 if quick else moments
    starts = _STARTS_QUICK if quick else STARTS
    cases = [
        _case(footage, fault, place, moment, starts)
        for fault in FAULTS.values()
        for moment in range(starts if fault.from_nothing else 1 if fault.lasting else moments)
        for place in range(len(fault.strengths))
    ]
    if not chosen:
        return cases
    wanted = [name.strip() for name in chosen.split(',') if name.strip()]
    known = {case.fault for case in cases} | {case.name for case in cases}
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise InputError(
            f'--faults {chosen!r}: choose from {", ".join(FAULTS)}, with commas between them; a'
            ' single case as kidnap:3'
        )
    return [case for case in cases if case.fault in wanted or case.name in wanted]


def _case(footage: Footage, fault: Fault, place: int, moment: int, starts: int) -> Case:
    strength = fault.strengths[place]
    seed = zlib.crc32(f'{fault.name} {place}'.encode())
    if fault.from_nothing:
        where = (moment + 0.5) / starts
    else:
        where = (np.random.default_rng(seed).random() + moment * _GOLDEN) % 1

    def make() -> list[Shown]:
        span = span_of(footage, BEFORE_S, strength.seconds, AFTER_S, where)
        return strength.make(footage, span, np.random.default_rng((seed, moment)))

    number = moment * len(fault.strengths) + place + 1
    return Case(fault.name, strength.label, number, fault.from_nothing, make)
