"""Outcomes summed up: by fault and strength, and over all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mesh_reloc_evaluation.stress.cases import FAULTS
from mesh_reloc_evaluation.stress.footage import Part
from mesh_reloc_evaluation.stress.judge import SOON_S, Outcome

Figures = dict[str, Any]


def by_strength(outcomes: list[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    """Return the outcomes by fault and strength, in order."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.fault, outcome.strength), []).append(outcome)
    return groups


def figures_of(outcomes: list[Outcome]) -> Figures:
    """Sum outcomes up.

    Times in seconds; one that never recovered has none, and counts as infinitely long for the
    median and the maximum, which are then None.
    """
    clean = [i for o in outcomes for i in o.of(Part.BEFORE, Part.AFTER)]
    faulty = [i for o in outcomes for i in o.of(Part.FAULT)]
    recovering = [outcome for outcome in outcomes if outcome.has_recovery]
    errors = [image.error_m for o in outcomes for image in o.images if image.error_m is not None]
    return {
        'cases': len(outcomes),
        'clean_images': len(clean),
        'clean_published': sum(image.trusted for image in clean),
        'fault_images': len(faulty),
        'fault_published': sum(image.trusted for image in faulty),
        'wrong': sum(outcome.wrong for outcome in outcomes),
        'wrong_cases': [outcome.name for outcome in outcomes if outcome.wrong],
        'max_cm': 100 * max(errors) if errors else None,
        'recoveries': len(recovering),
        **_spread('recovery_s', [outcome.recovery_s for outcome in recovering]),
        **_spread('recovery_work_s', [outcome.recovery_work_s for outcome in recovering]),
        'soon': sum(outcome.soon for outcome in recovering),
        'slow_cases': [outcome.name for outcome in recovering if not outcome.soon],
        'soon_live': sum(outcome.soon_live for outcome in recovering),
        'missed': sum(image.missed for o in outcomes for image in o.images),
        'stayed': sum(outcome.stayed for outcome in recovering),
    }


def summary_of(outcomes: list[Outcome]) -> Figures:
    """Sum all outcomes up: faults on a tracker that had a start pose, and starts from nothing."""
    starts = [outcome for outcome in outcomes if FAULTS[outcome.fault].from_nothing]
    faults = [outcome for outcome in outcomes if not FAULTS[outcome.fault].from_nothing]
    summary = {'faults': figures_of(faults)} if faults else {}
    if starts:
        summary['starts'] = figures_of(starts)
    return summary


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome with the most wrong poses."""
    return max(outcomes, key=lambda outcome: outcome.wrong)


def lines(summary: Figures) -> list[str]:
    """Return the summary in sentences."""
    said = []
    if 'faults' in summary:
        of = summary['faults']
        said += [
            f'Wrong poses published: {of["wrong"]} of'
            f' {of["clean_published"] + of["fault_published"]}{_named(of["wrong_cases"])}',
            f'Recovered within {SOON_S:g} s of the end of the fault:'
            f' {share(of["soon"], of["recoveries"])} of {of["recoveries"]} cases'
            f'{_named(of["slow_cases"])}; {share(of["soon_live"], of["recoveries"])} if the time'
            ' that the work takes is counted',
            f'Clean images published: {share(of["clean_published"], of["clean_images"])} of'
            f' {of["clean_images"]}',
        ]
        if of['missed']:
            said.append(f'Images missed, as the tracker was still at work: {of["missed"]}')
    if 'starts' in summary:
        of = summary['starts']
        said.append(
            f'Started from nothing: {of["soon"]} of {of["cases"]} found within {SOON_S:g} s of'
            f' images, {len(of["wrong_cases"])} wrong{_named(of["slow_cases"])}; work until the'
            f' first pose: median {seconds(of["recovery_work_s_median"])} s, longest'
            f' {seconds(of["recovery_work_s_max"])} s'
        )
    return said


def share(part: int, of: int) -> str:
    """Return a share in percent; it says 100 % only where it is all."""
    if not of:
        return '-'
    percent = 100 * part / of
    return f'{math.floor(10 * percent) / 10:.1f}%' if percent < 100 else '100%'


def seconds(value: float | None) -> str:
    """Return a time with two digits, or `never`."""
    return 'never' if value is None else f'{value:.2f}'


def _spread(name: str, values: list[float | None]) -> Figures:
    times = np.array([math.inf if value is None else value for value in values])
    if not len(times):
        return {f'{name}_median': None, f'{name}_max': None}
    # The upper of two in the middle, so that one that never came does not make half of infinity.
    median = float(np.sort(times)[len(times) // 2])
    return {
        f'{name}_median': median if math.isfinite(median) else None,
        f'{name}_max': float(times.max()) if math.isfinite(times.max()) else None,
    }


def _named(names: list[str], most: int = 12) -> str:
    if not names:
        return ''
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f' ({", ".join(names[:most])}{more})'
