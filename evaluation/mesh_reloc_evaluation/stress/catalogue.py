"""All faults, at their strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress import camera_faults, image_faults, shadow_faults, time_faults
from mesh_reloc_evaluation.stress.image_faults import MakeEffect
from mesh_reloc_evaluation.stress.schedule import (
    Change,
    MakeImages,
    Rng,
    Span,
    during_fault,
    of_image,
    throughout,
)
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged
from mesh_reloc_ros.render.scene import Scene

_FAULT_S = 0.5
# Duration of a search without a start pose.
_START_S = 2.0
# Pattern, its period as a share of the distance, and how much of the light it takes.
_SHADOWS = (
    ('blinds', 0.25, 0.2),
    ('leaves', 0.25, 0.4),
    ('blinds', 0.1, 0.6),
    ('roof', 1.0, 0.6),
    ('lattice', 0.2, 0.75),
    ('leaves', 0.1, 0.75),
    ('roof', 1.0, 0.75),
    ('blinds', 0.2, 0.8),
)
_EXPOSURES = (('2x', 2.0), ('1/2x', 0.5), ('4x', 4.0), ('1/4x', 0.25))


@dataclass(frozen=True)
class Strength:
    """One strength of a fault."""

    label: str
    make: MakeImages
    seconds: float = _FAULT_S


@dataclass(frozen=True)
class Fault:
    """A fault at its strengths."""

    name: str
    strengths: tuple[Strength, ...]
    lasting: bool = False
    """Whether it lasts for the whole sequence."""
    without_start: bool = False
    """Whether the tracker is given no start pose."""


def fault_catalogue(
    elsewhere: Sequence[Image] = (), scene: Scene | None = None
) -> dict[str, Fault]:
    """Return all faults by name.

    :param elsewhere: images of other places, of the camera's size; without them, no images of the
        fault `elsewhere` can be made.
    :param scene: without it, no images of the fault `shadow` can be made.
    """
    faults = (
        Fault('clean', (Strength('as recorded', _clean),), lasting=True),
        Fault('start', (Strength('no start pose', _start),), without_start=True),
        *_faults_of_images(),
        *_faults_of_time(),
        *_faults_of_the_camera(elsewhere),
        _shadow_fault(scene),
        *_lasting_faults(),
    )
    return {fault.name: fault for fault in faults}


def _clean(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
    return [unchanged(sequence, index, Phase.BEFORE) for index in range(len(sequence))]


def _start(sequence: PosedSequence, span: Span, rng: Rng) -> list[StressImage]:
    first = int(span.moment * max(len(sequence) - sequence.images_in(_START_S / 2), 1))
    last = min(first + sequence.images_in(_START_S), len(sequence) - 1)
    return [unchanged(sequence, index, Phase.AFTER) for index in range(first, last + 1)]


def _faults_of_images() -> tuple[Fault, ...]:
    f = image_faults
    return (
        Fault('black', tuple(_image(f'{s:g} s', f.black(), s) for s in (0.1, 0.5, 2.0))),
        Fault('covered', tuple(_image(f'{s:.0%}', f.covered(s)) for s in (0.5, 0.75))),
        Fault('occluder', tuple(_image(f'{s:.0%}', f.occluder(s), 1.0) for s in (0.2, 0.45, 0.7))),
        Fault('motion-blur', tuple(_image(f'{n} px', f.motion_blur(n)) for n in (15, 40, 80))),
        Fault('defocus', tuple(_image(f'{r} px', f.defocus(r)) for r in (4, 10, 25))),
        Fault('exposure', tuple(_image(name, f.exposure(value)) for name, value in _EXPOSURES)),
        Fault('gamma', tuple(_image(f'{g:g}', f.gamma(g)) for g in (0.4, 2.5))),
        Fault('light', tuple(_image(f'to {s:.0%}', f.uneven_light(s)) for s in (0.3, 0.1, 0.0))),
    )


def _image(label: str, effect: MakeEffect, seconds: float = _FAULT_S) -> Strength:
    return Strength(label, during_fault(of_image(effect)), seconds)


def _faults_of_time() -> tuple[Fault, ...]:
    f = time_faults
    away = (Strength(f'{s:g} s away', f.kidnap(s)) for s in (0.7, 1.5, 3.0))
    returned = (Strength(f'{s:g} s and back', f.kidnap(s, back=True)) for s in (1.5, 3.0))
    gaps = (Strength(f'{s:g} s', f.gap(s, s)) for s in (1.0, 2.0, 3.0))
    moved, at_rest = f.gap(3.0, 5.0), f.gap(0.0, 5.0)
    orders = {
        'swapped': f.reordered(f.swapped),
        'reversed': f.reordered(f.backward),
        'repeated': f.reordered(f.repeated),
        'played again': f.played_again,
    }
    offsets = {'jitter 10 ms': f.stamps_off(0.0, 0.01), '0.3 s late': f.stamps_off(0.3, 0.0)}
    return (
        Fault('kidnap', (*away, *returned)),
        Fault('gap', (*gaps, Strength('5 s, moved 3 s', moved), Strength('5 s, at rest', at_rest))),
        Fault('frozen', tuple(Strength(f'{s:g} s', f.frozen, s) for s in (0.3, 1.0, 2.0))),
        Fault('order', tuple(Strength(label, make) for label, make in orders.items())),
        Fault('stamps', tuple(Strength(label, make) for label, make in offsets.items())),
    )


def _faults_of_the_camera(elsewhere: Sequence[Image]) -> tuple[Fault, ...]:
    f = camera_faults
    changes: dict[str, dict[str, Callable[[Rng], Change]]] = {
        'mirrored': {'left-right': f.mirrored(1), 'up-down': f.mirrored(0)},
        'rolled': {f'{90 * n} deg': f.rolled(n) for n in (1, 2, 3)},
        'elsewhere': {
            'one image': f.elsewhere(elsewhere, changing=False),
            'many': f.elsewhere(elsewhere, changing=True),
        },
    }
    return tuple(
        Fault(name, tuple(Strength(label, during_fault(make)) for label, make in by_label.items()))
        for name, by_label in changes.items()
    )


def _shadow_fault(scene: Scene | None) -> Fault:
    f = shadow_faults
    patterns = {'blinds': f.blinds, 'lattice': f.lattice, 'leaves': f.leaves, 'roof': f.roof}
    strengths = tuple(
        Strength(
            f'{name} {share:.0%}',
            throughout(f.hard_shadow(scene, patterns[name], period, share)),
        )
        for name, period, share in _SHADOWS
    )
    return Fault('shadow', strengths, lasting=True)


def _lasting_faults() -> tuple[Fault, ...]:
    f, c = image_faults, camera_faults
    changes: dict[str, dict[str, Callable[[Rng], Change]]] = {
        'noise': {f'{s} of 255': of_image(f.noise(s)) for s in (15, 30, 60)},
        'jpeg': {f'quality {q}': of_image(f.jpeg(q)) for q in (10, 4)},
        'shutter': {f'{r:.0%} of a period': c.rolling_shutter(r) for r in (0.5, 1.0, 3.0)},
        'intrinsics': {
            'focal +5%': c.wrong_intrinsics(focal=1.05),
            'focal -5%': c.wrong_intrinsics(focal=0.95),
            'centre x +5%': c.wrong_intrinsics(x=0.05),
            'centre y -5%': c.wrong_intrinsics(y=-0.05),
        },
    }
    return tuple(
        Fault(
            name,
            tuple(Strength(label, throughout(make)) for label, make in by_label.items()),
            lasting=True,
        )
        for name, by_label in changes.items()
    )
