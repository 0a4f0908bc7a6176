"""Stress cases: faults of one strength at one moment of the sequence."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.catalogue import Fault, fault_catalogue
from mesh_reloc_evaluation.stress.schedule import span_of
from mesh_reloc_evaluation.stress.stress_image import StressImage
from mesh_reloc_ros.errors import InputError

BEFORE_S, AFTER_S = 0.34, 1.34
"""Duration of the clean images before a fault, and after it: a second for recovery, and more."""
MOMENTS = 2
"""At how many places of the sequence each strength of a fault occurs."""
STARTS, _STARTS_QUICK = 30, 3
"""At how many images the tracker starts without a pose."""
# Multiples of the golden ratio, modulo 1, are evenly spread for any number of them.
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Case:
    """A fault of one strength at one moment."""

    fault: str
    strength: str
    number: int
    """Within the fault, from 1."""
    without_start: bool
    """Whether the tracker is given no start pose."""
    make: Callable[[], list[StressImage]]

    @property
    def name(self) -> str:
        """As `--faults` takes it."""
        return f'{self.fault}:{self.number}'


def make_cases(
    sequence: PosedSequence,
    chosen: str = '',
    moments: int = MOMENTS,
    *,
    quick: bool = False,
    faults: Mapping[str, Fault] | None = None,
) -> list[Case]:
    """Return the cases of all faults, or of the chosen ones.

    :param chosen: names of faults or of single cases (`kidnap:3`), separated by commas.
    :param moments: how often each strength occurs; more moments do not change the first ones.
    :param quick: one moment and few starts.
    :param faults: None: all, but without images of other places.
    :raises InputError: a chosen fault or case does not exist.
    """
    moments, starts = (1, _STARTS_QUICK) if quick else (moments, STARTS)
    faults = fault_catalogue() if faults is None else faults
    cases = [
        _case(sequence, fault, place, moment, starts)
        for fault in faults.values()
        for moment in range(starts if fault.without_start else 1 if fault.lasting else moments)
        for place in range(len(fault.strengths))
    ]
    if not chosen:
        return cases
    wanted = [name.strip() for name in chosen.split(',') if name.strip()]
    known = {case.fault for case in cases} | {case.name for case in cases}
    if not wanted or not known.issuperset(wanted):
        raise InputError(
            f'--faults {chosen!r}: choose from {", ".join(faults)}, separated by commas; a single'
            ' case is written as kidnap:3'
        )
    return [case for case in cases if case.fault in wanted or case.name in wanted]


def _case(sequence: PosedSequence, fault: Fault, place: int, moment: int, starts: int) -> Case:
    strength = fault.strengths[place]
    seed = zlib.crc32(f'{fault.name} {place}'.encode())
    if fault.without_start:
        where = (moment + 0.5) / starts
    else:
        where = (np.random.default_rng(seed).random() + moment * _GOLDEN) % 1

    def make() -> list[StressImage]:
        span = span_of(sequence, BEFORE_S, strength.seconds, AFTER_S, where)
        return strength.make(sequence, span, np.random.default_rng((seed, moment)))

    number = moment * len(fault.strengths) + place + 1
    return Case(fault.name, strength.label, number, fault.without_start, make)
